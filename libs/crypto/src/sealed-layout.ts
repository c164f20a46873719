/** Where everything stands in a sealed update (SPEC section 4.1), and which sizes exist. */
import { concatBytes, equalBytes, utf8 } from '@consilium/bytes';
import { CryptoError } from './errors.js';

export const CHUNK_BYTES = 65_536;
export const TAG_BYTES = 16;
/** A 32-byte content key and the 16-byte tag of its box. */
const BOX_BYTES = 48;
export const NONCE_BYTES = 24;

const MAGIC = concatBytes(utf8('CONSEAL'), Uint8Array.of(1));
const EPHEMERAL_AT = MAGIC.length;
const NONCE_AT = EPHEMERAL_AT + 32;
const BOX_AT = NONCE_AT + NONCE_BYTES;
export const HEAD_BYTES = BOX_AT + BOX_BYTES;

/** Views into the sealed bytes, not copies. */
export interface SealedParts {
  readonly ephemeralPublicKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
  readonly chunks: Uint8Array;
  /** Of the chunks together, at least 0. */
  readonly plaintextBytes: number;
}

/**
 * The exact size of a sealed update, so that a receiver can bound it before it allocates.
 *
 * @param plaintextBytes - 0 or more; 4 d for a float32 update of shape (d,).
 */
export function sealedSizeBytes(plaintextBytes: number): number {
  if (!Number.isSafeInteger(plaintextBytes) || plaintextBytes < 0) {
    throw new RangeError('plaintextBytes must be a non-negative safe integer');
  }
  return HEAD_BYTES + plaintextBytes + TAG_BYTES * Math.max(1, Math.ceil(plaintextBytes / CHUNK_BYTES));
}

export function writeHead(sealed: Uint8Array, head: Pick<SealedParts, 'ephemeralPublicKey' | 'nonce' | 'box'>): void {
  sealed.set(MAGIC, 0);
  sealed.set(head.ephemeralPublicKey, EPHEMERAL_AT);
  sealed.set(head.nonce, NONCE_AT);
  sealed.set(head.box, BOX_AT);
}

/**
 * @param sealed - peer-controlled, of any length.
 * @throws {@link CryptoError} `SEAL_TRUNCATED` for a size that {@link sealedSizeBytes} never gives, `SEAL_FORMAT` for
 * another format or version.
 */
export function parseSealed(sealed: Uint8Array): SealedParts {
  if (sealed.length < sealedSizeBytes(0)) {
    throw new CryptoError('SEAL_TRUNCATED', `${sealed.length} bytes are too few for a sealed update`);
  }
  if (!equalBytes(sealed.subarray(0, MAGIC.length), MAGIC)) {
    throw new CryptoError('SEAL_FORMAT', 'not a sealed update of version 1');
  }
  const chunks = sealed.subarray(HEAD_BYTES);
  const plaintextBytes = chunks.length - TAG_BYTES * Math.ceil(chunks.length / (CHUNK_BYTES + TAG_BYTES));
  if (sealedSizeBytes(plaintextBytes) !== sealed.length) {
    throw new CryptoError('SEAL_TRUNCATED', `no sealed update has ${sealed.length} bytes`);
  }
  return {
    ephemeralPublicKey: sealed.subarray(EPHEMERAL_AT, NONCE_AT),
    nonce: sealed.subarray(NONCE_AT, BOX_AT),
    box: sealed.subarray(BOX_AT, HEAD_BYTES),
    chunks,
    plaintextBytes,
  };
}
