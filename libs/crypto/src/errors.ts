/** The one error of this library. Messages name files and sizes, never key bytes, plaintext or an engine's own words. */

export type CryptoErrorCode =
  /** A peer's X25519 key would make the shared secret zero: the peer is broken or hostile, do not retry. */
  | 'LOW_ORDER_KEY'
  /** The operator restricts the file to its owner; if others could read it, the identity is to be replaced. */
  | 'KEY_FILE_OPEN_TO_OTHERS'
  /** The operator restores the file from a backup, or enrols anew. */
  | 'KEY_FILE_INVALID'
  | 'KEY_FILE_UNREADABLE'
  | 'KEY_FILE_UNWRITABLE'
  /** The caller asks a person for the passphrase, or finds it where a service keeps it. */
  | 'KEY_FILE_LOCKED'
  | 'PASSPHRASE_WRONG'
  | 'PASSPHRASE_WEAK'
  /** Not a sealed update of this version. */
  | 'SEAL_FORMAT'
  /** No sealed update has this size: ask for it again. */
  | 'SEAL_TRUNCATED'
  /** Altered, cut at a chunk border, or sealed for another key or context. */
  | 'SEAL_AUTHENTICATION';

export class CryptoError extends Error {
  override readonly name = 'CryptoError';
  constructor(
    readonly code: CryptoErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
