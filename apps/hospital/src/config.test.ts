/** Claims: defaults are those documented, paths start from the file, and a fault names its field. Oracle: values by hand. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hospitalConfig, readHospitalConfig } from './config.js';
import { HospitalError } from './errors.js';

const LEAST = { coordinator: 'http://127.0.0.1:7433', data: 'images' };

describe('hospitalConfig', () => {
  it('fills in defaults', () => {
    expect(hospitalConfig(LEAST, '/srv/clinic')).toEqual({
      coordinator: 'http://127.0.0.1:7433',
      data: join('/srv/clinic', 'images'),
      testShare: 0.3,
      engine: 'auto',
      page: { port: 0 },
      splitSeed: 'consilium',
      cache: join('/srv/clinic', 'cache'),
      threads: 2,
      modes: ['secagg'],
    });
  });

  it('leaves absolute paths alone and makes others start from the folder', () => {
    const { data, backbone, cache } = hospitalConfig(
      { ...LEAST, data: '/pacs', backbone: '../b', cache: 'c' },
      '/srv/x',
    );
    expect([data, backbone, cache]).toEqual(['/pacs', join('/srv', 'b'), join('/srv/x', 'c')]);
  });

  it.each([
    ['coordinator', { ...LEAST, coordinator: 'ftp://office' }],
    ['coordinator', { data: 'images' }],
    ['data', { coordinator: LEAST.coordinator }],
    ['threads', { ...LEAST, threads: 0 }],
    ['testShare', { ...LEAST, testShare: 1 }],
    ['maxImages', { ...LEAST, maxImages: 2.5 }],
    ['modes.0', { ...LEAST, modes: ['open'] }],
    ['modes', { ...LEAST, modes: [] }],
  ])('names the field %s', (field, value) => {
    expect(() => hospitalConfig(value, '/')).toThrow(new RegExp(`^the configuration: ${field.replace('.', '\\.')}: `));
  });

  it('names an unknown field and every other fault at once', () => {
    expect(() => hospitalConfig({ ...LEAST, thread: 4, testShare: -1 }, '/')).toThrow(/testShare: .*; .*"thread"/);
  });
});

describe('readHospitalConfig', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'consilium-config-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const read = async (text: string): Promise<unknown> => {
    await writeFile(join(folder, 'hospital.yaml'), text);
    return readHospitalConfig(join(folder, 'hospital.yaml')).catch((error: unknown) =>
      error instanceof HospitalError ? error.code : error,
    );
  };

  it('reads YAML with comments', async () => {
    const config = await read('# ours\ncoordinator: https://office.example\ndata: images # all of them\n');
    expect(config).toMatchObject({ coordinator: 'https://office.example', data: join(folder, 'images') });
  });

  it('refuses what is no configuration, also aliases that would unfold without end', async () => {
    expect(await read('a: [')).toBe('CONFIG_INVALID');
    expect(await read('')).toBe('CONFIG_INVALID');
    expect(await read('data: &a x\ncoordinator: *a\n')).toBe('CONFIG_INVALID');
  });

  it('says which file is missing', async () => {
    const missing = readHospitalConfig(join(folder, 'none.yaml'));
    await expect(missing).rejects.toThrow(`cannot read the configuration ${join(folder, 'none.yaml')}`);
  });
});
