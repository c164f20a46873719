/** What a person means by a path: one file, or everything in a folder that may be a picture. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { listFiles } from '@consilium/imaging';
import { HospitalError } from '../errors.js';

export interface ImageList {
  /** Resolved; all names are in it. */
  readonly folder: string;
  /** Relative to `folder`, with `/`, in the order of code units. */
  readonly names: readonly string[];
  readonly isFolder: boolean;
}

/** @throws {@link HospitalError} `PATH_MISSING`; ImagingError for a folder that cannot be listed. */
export async function imagesAt(path: string): Promise<ImageList> {
  const found = await realpath(path).catch(() => {
    throw new HospitalError('PATH_MISSING', `there is no file or folder ${path}`);
  });
  if ((await stat(found)).isDirectory()) return { folder: found, names: await listFiles(found), isFolder: true };
  return { folder: dirname(found), names: [basename(found)], isFolder: false };
}
