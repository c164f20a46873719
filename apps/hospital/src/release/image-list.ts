/** What a person means by a path: one file, or everything in a folder that may be a picture. */
import { opendir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { ReleaseError } from './errors.js';

export interface ImageList {
  /** Resolved; all names are in it. */
  readonly folder: string;
  /** Relative to `folder`, with `/`, in the order of code units. */
  readonly names: readonly string[];
  readonly isFolder: boolean;
}

const FILES_MAX = 500_000;
/** Tables and texts lie beside pictures. What else is no picture gets that answer. */
const BESIDE = new Set(['.csv', '.tsv', '.txt', '.json', '.md', '.html', '.xml', '.log', '.yaml']);

async function walk(folder: string): Promise<string[]> {
  const names: string[] = [];
  const pending = [folder];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for await (const entry of await opendir(directory)) {
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      // A link to a folder is not followed: as a name among the files it is answered with why it cannot be read.
      if (entry.isDirectory()) pending.push(path);
      else if (!BESIDE.has(extname(entry.name).toLowerCase())) names.push(relative(folder, path).replaceAll(sep, '/'));
      if (names.length > FILES_MAX)
        throw new ReleaseError('PATH_MISSING', `more than ${FILES_MAX} files: name a smaller folder`);
    }
  }
  return names.sort((a, b) => (a < b ? -1 : 1));
}

/** @throws {@link ReleaseError} `PATH_MISSING`. */
export async function imagesAt(path: string): Promise<ImageList> {
  const found = await realpath(path).catch(() => {
    throw new ReleaseError('PATH_MISSING', `there is no file or folder ${path}`);
  });
  if ((await stat(found)).isDirectory()) return { folder: found, names: await walk(found), isFolder: true };
  return { folder: dirname(found), names: [basename(found)], isFolder: false };
}
