import { StoreError } from './errors.js';

/** What a refusal of the file system means to the caller. Its own message names a path, so it is not kept. */
export function fileError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code';
  const message = `the file system said ${code}`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreError('STORE_FULL', message);
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return new StoreError('STORE_READ_ONLY', message);
  return new StoreError('STORE_UNAVAILABLE', message);
}
