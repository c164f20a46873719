/**
 * Claims: (1) what was put is got, for its image only; (2) a torn, damaged, renamed or foreign file is a miss; (3) files
 * are for their owner, are named like nothing of the image, and no temporary stays. Oracle: files damaged by hand.
 */
import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Examination } from '@consilium/imaging';
import { ExaminationStore } from './examination-store.js';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const EXAMINATION: Examination = {
  flags: [],
  fingerprint: 'AAECAw==',
  histogram: [0.25, 0.1 + 0.2, 1e-7],
  format: 'dicom',
  width: 300,
  height: 200,
};

let base: string;
let folder: string;
let store: ExaminationStore;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'examinations-'));
  folder = join(base, 'cache');
  store = new ExaminationStore(folder);
});
afterEach(() => rm(base, { recursive: true }));

async function stored(): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] as string);
}

describe('ExaminationStore', () => {
  it('gives back what was put, to another store of the folder too, and nothing for another image', async () => {
    expect(await store.get(A)).toBeUndefined();
    const refused: Examination = { ...EXAMINATION, refusal: { code: 'NOT_FRONTAL', detail: 'the header says LL' } };
    await store.put(A, EXAMINATION);
    await store.put(B, refused);
    expect(await new ExaminationStore(folder).get(A)).toEqual(EXAMINATION);
    expect(await store.get(B)).toEqual(refused);
  });

  it('keeps the last one, and leaves no other file', async () => {
    await Promise.all([store.put(A, EXAMINATION), new ExaminationStore(folder).put(A, EXAMINATION)]);
    await store.put(A, { ...EXAMINATION, width: 1 });
    expect((await store.get(A))?.width).toBe(1);
    expect(await stored()).toMatch(/\/[0-9a-f]{64}\.json$/);
  });

  it('has files for their owner alone, without the digest of the image', async () => {
    await store.put(A, EXAMINATION);
    const file = await stored();
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600');
    expect(((await stat(folder)).mode & 0o777).toString(8)).toBe('700');
    expect(file + (await readFile(file, 'utf8'))).not.toContain(A);
  });

  it.each([
    ['torn', async (file: string) => truncate(file, (await stat(file)).size - 9)],
    ['empty', (file: string) => truncate(file, 0)],
    ['changed', async (file: string) => writeFile(file, (await readFile(file, 'utf8')).replace('300', '301'))],
    ['of another kind', (file: string) => writeFile(file, '{"sha256":"x","examination":null}')],
    ['no JSON object', (file: string) => writeFile(file, 'null')],
    ['far too long', (file: string) => truncate(file, 2 ** 20)],
  ])('does not believe a file that is %s', async (_, damage) => {
    await store.put(A, EXAMINATION);
    await damage(await stored());
    expect(await store.get(A)).toBeUndefined();
  });

  it('does not believe a file of another image', async () => {
    await store.put(B, EXAMINATION);
    const other = join(base, 'other');
    await copyFile(await stored(), other);
    await store.put(A, EXAMINATION);
    const names = await readdir(folder);
    for (const name of names) await copyFile(other, join(folder, name));
    expect([await store.get(A), await store.get(B)]).toEqual([undefined, EXAMINATION]);
  });
});
