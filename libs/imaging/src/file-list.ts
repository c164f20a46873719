/** Which files a folder holds that may be images. */
import { type Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { ImagingError } from './errors.js';

/** Files and folders together. A hospital's archive has more, but no study looks through it without a limit. */
const ENTRIES_MAX = 500_000;

/** What lies beside images and is none, by ending and by name. */
const sideEndings = new Set(
  '.csv .tsv .txt .json .xml .md .html .htm .log .yaml .yml .ini .db .part .xls .xlsx .ods .doc .docx'.split(' '),
);
const sideNames = new Set(['dicomdir', 'readme', 'license', 'licence']);

const isSideFile = (name: string): boolean =>
  sideNames.has(name.toLowerCase()) || sideEndings.has(extname(name).toLowerCase());

/** A link to a folder inside is no file: its files are found where they are. One that leads outside stays, to be refused. */
async function isFolderInside(root: string, path: string): Promise<boolean> {
  try {
    const target = await realpath(path);
    return (target === root || target.startsWith(root + sep)) && (await stat(target)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Walks `folder` without following a link to another folder. Hidden entries and side files (tables, texts, DICOMDIR) are
 * left out; what is in a file is not looked at.
 *
 * @param folder - trusted, from the hospital's configuration.
 * @returns names relative to `folder`, with `/`, sorted by code units: the same on every machine.
 * @throws {@link ImagingError} `TOO_MANY_FILES`, or `FILE_UNREADABLE` for a folder that cannot be read.
 */
export async function listFiles(folder: string, entriesMax = ENTRIES_MAX): Promise<string[]> {
  const found: string[] = [];
  let entries = 0;
  const add = async (directory: string, root: string, entry: Dirent): Promise<string | undefined> => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return path;
    if (isSideFile(entry.name)) return undefined;
    if (entry.isSymbolicLink() && (await isFolderInside(root, path))) return undefined;
    found.push(relative(root, path).replaceAll(sep, '/'));
    return undefined;
  };
  try {
    const root = await realpath(folder);
    const open = [root];
    for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
      for await (const entry of await opendir(directory)) {
        if (entry.name.startsWith('.')) continue;
        entries += 1;
        if (entries > entriesMax) throw new ImagingError('TOO_MANY_FILES', `more than ${entriesMax} files and folders`);
        const inner = await add(directory, root, entry);
        if (inner !== undefined) open.push(inner);
      }
    }
  } catch (cause) {
    if (cause instanceof ImagingError) throw cause;
    throw new ImagingError('FILE_UNREADABLE', 'the folder of images, or one in it, cannot be read');
  }
  return found.sort(byCodeUnits);
}

export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
