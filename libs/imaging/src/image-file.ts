/** Reading a file that a manifest names: never outside the hospital's folder, never more than fits. */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { ImagingError, type ImagingErrorCode } from './errors.js';

export const FILE_BYTES_MAX = 256 * 1024 * 1024;

const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

const codeOf = (error: unknown): ImagingErrorCode =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    ? 'FILE_MISSING'
    : 'FILE_UNREADABLE';

const reasons = { FILE_MISSING: 'the file does not exist', FILE_UNREADABLE: 'the file cannot be read' } as const;

/** @throws {@link ImagingError} `OUTSIDE_FOLDER`, `FILE_MISSING` or `FILE_UNREADABLE`. */
async function openInside(folder: string, fileName: string): Promise<FileHandle> {
  // Before the disk is asked: whether something exists outside the folder must not show in the answer.
  if (!isInside(resolve(folder), resolve(folder, fileName))) {
    throw new ImagingError('OUTSIDE_FOLDER', 'the name leads out of the folder of images', { fileName });
  }
  try {
    const [root, path] = await Promise.all([realpath(folder), realpath(resolve(folder, fileName))]);
    if (!isInside(root, path)) {
      throw new ImagingError('OUTSIDE_FOLDER', 'a link leads out of the folder of images', { fileName });
    }
    // NOFOLLOW: the last link cannot be swapped after the check. NONBLOCK: opening a pipe does not wait for a writer.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (cause instanceof ImagingError) throw cause;
    const code = codeOf(cause);
    throw new ImagingError(code, reasons[code as keyof typeof reasons], { fileName });
  }
}

/**
 * @param folder - trusted, from the hospital's configuration.
 * @param name - relative to `folder`; from the manifest, so not trusted.
 * @param sizeBytesMax - the bound, checked before anything is read.
 * @throws {@link ImagingError} `OUTSIDE_FOLDER`, `FILE_MISSING`, `FILE_UNREADABLE` (also for what is not a regular file)
 * or `FILE_TOO_LARGE`, with `fileName`.
 */
export async function readBoundedFile(folder: string, name: string, sizeBytesMax: number): Promise<Uint8Array> {
  const file = await openInside(folder, name);
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new ImagingError('FILE_UNREADABLE', 'it is not a regular file', { fileName: name });
    if (status.size > sizeBytesMax) {
      throw new ImagingError('FILE_TOO_LARGE', `the file has more than ${sizeBytesMax} bytes`, { fileName: name });
    }
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof ImagingError) throw cause;
    throw new ImagingError('FILE_UNREADABLE', reasons.FILE_UNREADABLE, { fileName: name });
  } finally {
    await file.close();
  }
}

/**
 * The first bytes of a file, whatever its size.
 *
 * @throws {@link ImagingError} as {@link readBoundedFile}, but never `FILE_TOO_LARGE`.
 */
export async function readFilePrefix(folder: string, name: string, sizeBytes: number): Promise<Uint8Array> {
  const file = await openInside(folder, name);
  try {
    if (!(await file.stat()).isFile()) {
      throw new ImagingError('FILE_UNREADABLE', 'it is not a regular file', { fileName: name });
    }
    const { bytesRead, buffer } = await file.read(new Uint8Array(sizeBytes), 0, sizeBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    if (cause instanceof ImagingError) throw cause;
    throw new ImagingError('FILE_UNREADABLE', reasons.FILE_UNREADABLE, { fileName: name });
  } finally {
    await file.close();
  }
}

/** {@link readBoundedFile} with the bound of images, 256 MB. */
export const readImageFile = (folder: string, name: string): Promise<Uint8Array> =>
  readBoundedFile(folder, name, FILE_BYTES_MAX);
