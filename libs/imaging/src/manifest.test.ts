/**
 * Claims: (1) manifests as people and spreadsheets write them are read: BOM, CRLF, quotes, further columns in any order;
 * (2) every other one is refused with its code and line; (3) no message quotes a cell. Oracle: rows written by hand.
 */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImagingError } from './errors.js';
import { readManifest } from './manifest.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifest-'));
});
afterAll(() => rm(folder, { recursive: true }));

const write = (contents: string | Uint8Array) => writeFile(join(folder, 'manifest.csv'), contents);

async function refusal(): Promise<ImagingError> {
  const error: unknown = await readManifest(folder).catch((reason: unknown) => reason);
  if (error instanceof ImagingError) return error;
  throw new Error('it was not refused with an ImagingError', { cause: error });
}

describe('readManifest', () => {
  it('says that there is none', async () => {
    expect((await refusal()).code).toBe('MANIFEST_MISSING');
  });

  it('reads the smallest manifest: each image is its own patient', async () => {
    await write('image,label,site\na.png,normal,north\nb/c.jpg,covid,north\n');
    expect(await readManifest(folder)).toEqual([
      { image: 'a.png', label: 'normal', site: 'north', patient: 'a.png', line: 2 },
      { image: 'b/c.jpg', label: 'covid', site: 'north', patient: 'b/c.jpg', line: 3 },
    ]);
  });

  it('reads what a spreadsheet writes', async () => {
    await write(
      '\ufeffsplit,note,patient,"site",label,image\r\ntest,"says ""x"", twice",P1,north, normal ,sub\\a.png\r\n,,P2,"no,rth",covid,./b.png\r\n\r\n',
    );
    expect(await readManifest(folder)).toEqual([
      { image: 'sub/a.png', label: 'normal', site: 'north', patient: 'P1', split: 'test', line: 2 },
      { image: 'b.png', label: 'covid', site: 'no,rth', patient: 'P2', line: 3 },
    ]);
  });

  it('reads a manifest without rows', async () => {
    await write('image,label,site');
    expect(await readManifest(folder)).toEqual([]);
  });

  it.each(['image', 'label', 'site'])('names the column %s where it is missing', async (column) => {
    await write(['image', 'label', 'site', '__proto__'].filter((name) => name !== column).join(',') + '\n');
    const error = await refusal();
    expect(error.code).toBe('MANIFEST_COLUMN_MISSING');
    expect(error.message).toContain(`"${column}"`);
  });

  it('counts an empty file and semicolons as missing columns', async () => {
    for (const text of ['', 'image;label;site\na;b;c\n']) {
      await write(text);
      expect((await refusal()).code).toBe('MANIFEST_COLUMN_MISSING');
    }
  });

  it.each([
    ['a second column of one name', 'image,label,site,label\n', 1],
    ['an empty image', 'image,label,site\nx.png,Secret,Secret\n,Secret,Secret\n', 3],
    ['an empty label', 'image,label,site\nSecret,,Secret\n', 2],
    ['an empty site', 'image,label,site\nSecret,Secret,""\n', 2],
    ['an empty patient', 'image,label,site,patient\nSecret,Secret,Secret, \n', 2],
    ['an unknown split', 'image,label,site,split\nSecret,Secret,Secret,Secret\n', 2],
    ['a split in capitals', 'image,label,site,split\nSecret,Secret,Secret,Train\n', 2],
    ['the same image twice', 'image,label,site\nSecret,a,b\nx,a,b\nSecret,c,d\n', 4],
    ['the same image spelt differently', 'image,label,site\nd/Secret,a,b\n./d/../d/Secret,c,d\n', 3],
    ['a cell too many', 'image,label,site\na,b,c\nSecret,Secret,Secret,Secret\n', 3],
    ['a cell too few', 'image,label,site\nSecret,Secret\n', 2],
    ['a quote that does not end', 'image,label,site\na,b,"Secret\n', 2],
    ['a cell without end', `image,label,site\na,b,${'Secret'.repeat(9000)}\n`, 2],
  ])('refuses %s', async (_, text, line) => {
    await write(text);
    const error = await refusal();
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.line).toBe(line);
    expect(error.message).not.toContain('Secret');
  });

  it('refuses text that is not UTF-8', async () => {
    await write(Buffer.from('image,label,site\na.png,M\xfcller,x\n', 'latin1'));
    expect((await refusal()).code).toBe('MANIFEST_INVALID');
  });

  it('refuses more than 64 MB', async () => {
    await truncate(join(folder, 'manifest.csv'), 64 * 1024 * 1024 + 1);
    expect((await refusal()).code).toBe('FILE_TOO_LARGE');
  });
});
