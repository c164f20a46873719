/**
 * Claims: (1) a file inside the folder is read whole, also through links that stay inside; (2) no name and no link leads
 * outside; (3) what is missing, too large or no file is refused by code before it is read; (4) messages name no file.
 * Oracle: files that the test wrote.
 */
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImagingError } from './errors.js';
import { FILE_BYTES_MAX, readImageFile } from './image-file.js';

let base: string;
let folder: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'imaging-'));
  folder = join(base, 'images');
  await mkdir(join(folder, 'a', 'empty'), { recursive: true });
  await writeFile(join(folder, 'a', '..b.png'), 'inside');
  await writeFile(join(base, 'secret.png'), 'outside');
  await symlink(join(folder, 'a', '..b.png'), join(folder, 'inner.png'));
  await symlink(join(base, 'secret.png'), join(folder, 'outer.png'));
  await symlink(base, join(folder, 'up'));
  await symlink(join(base, 'nothing.png'), join(folder, 'dangling.png'));
  await symlink(folder, join(base, 'alias'));
  await writeFile(join(folder, 'huge.png'), '');
  // Sparse: takes no room on the disk.
  await truncate(join(folder, 'huge.png'), FILE_BYTES_MAX + 1);
});

afterAll(() => rm(base, { recursive: true }));

async function refusal(name: string): Promise<ImagingError> {
  const error: unknown = await readImageFile(folder, name).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ImagingError) return error;
  throw new Error('it was not refused with an ImagingError', { cause: error });
}

describe('readImageFile', () => {
  it.each(['a/..b.png', './a/../a/..b.png', 'inner.png'])('reads %s', async (name) => {
    expect(Buffer.from(await readImageFile(folder, name)).toString()).toBe('inside');
  });

  it('reads through a folder that is itself a link', async () => {
    expect(Buffer.from(await readImageFile(join(base, 'alias'), 'inner.png')).toString()).toBe('inside');
  });

  it.each([
    ['../secret.png', 'OUTSIDE_FOLDER'],
    ['a/../../secret.png', 'OUTSIDE_FOLDER'],
    ['../not-there.png', 'OUTSIDE_FOLDER'],
    ['/etc/hostname', 'OUTSIDE_FOLDER'],
    ['.', 'OUTSIDE_FOLDER'],
    ['', 'OUTSIDE_FOLDER'],
    ['outer.png', 'OUTSIDE_FOLDER'],
    ['up/secret.png', 'OUTSIDE_FOLDER'],
    ['patient-7.png', 'FILE_MISSING'],
    ['dangling.png', 'FILE_MISSING'],
    ['inner.png/x', 'FILE_MISSING'],
    ['a/empty', 'FILE_UNREADABLE'],
    ['a\0b.png', 'FILE_UNREADABLE'],
    ['huge.png', 'FILE_TOO_LARGE'],
  ])('refuses %j', async (name, code) => {
    const error = await refusal(name);
    expect(error.code).toBe(code);
    expect(error.fileName).toBe(name);
    expect(error.message).not.toMatch(/png|secret|patient|imaging-/);
  });
});
