/**
 * The one error of this library. A message names a code of the backend at most: never a value of a row, a file name, a URL
 * or a secret. It has no `cause`, because what a driver throws may quote a row or a password.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly code: StoreErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/**
 * What the caller does about it.
 * - `LEASE_LOST`: another leads, or may. Stop; nothing was written.
 * - `SEQUENCE_CONFLICT`: the log holds other events than the caller believes. Replay it.
 * - `RUN_EXISTS`, `RUN_UNKNOWN`, `BLOB_EXISTS`, `BLOB_UNKNOWN`: a wrong name.
 * - `BLOB_GAP`, `BLOB_TOO_LARGE`: refuse the sender's chunk; `received` says where it may go on.
 * - `DIGEST_MISMATCH`: other bytes than promised; they are gone, and the sender may begin again.
 * - `STORE_UNAVAILABLE`: wait, then repeat the same call with the same arguments. Its outcome is unknown.
 * - `STORE_FULL`, `STORE_READ_ONLY`: an operator has to act; then as above.
 * - `STORE_CORRUPT`: restore a backup. `SCHEMA_TOO_NEW`: start a newer program.
 */
export type StoreErrorCode =
  | 'LEASE_LOST'
  | 'SEQUENCE_CONFLICT'
  | 'RUN_EXISTS'
  | 'RUN_UNKNOWN'
  | 'DIGEST_MISMATCH'
  | 'BLOB_EXISTS'
  | 'BLOB_GAP'
  | 'BLOB_TOO_LARGE'
  | 'BLOB_UNKNOWN'
  | 'STORE_UNAVAILABLE'
  | 'STORE_FULL'
  | 'STORE_READ_ONLY'
  | 'STORE_CORRUPT'
  | 'SCHEMA_TOO_NEW';
