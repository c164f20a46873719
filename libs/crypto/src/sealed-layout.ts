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
export interface SealedHead {
  readonly ephemeralPublicKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

/** Views into the sealed bytes, not copies. */
export interface SealedParts extends SealedHead {
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

export function writeHead(sealed: Uint8Array, head: SealedHead): void {
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
  const head = parseHead(sealed.subarray(0, HEAD_BYTES));
  return { ...head, chunks: sealed.subarray(HEAD_BYTES), plaintextBytes: plaintextBytesOf(sealed.length) };
}

/**
 * @param head - the first {@link HEAD_BYTES}, peer-controlled.
 * @throws {@link CryptoError} `SEAL_FORMAT` for another format or version.
 */
export function parseHead(head: Uint8Array): SealedHead {
  if (!equalBytes(head.subarray(0, MAGIC.length), MAGIC)) {
    throw new CryptoError('SEAL_FORMAT', 'not a sealed update of version 1');
  }
  return {
    ephemeralPublicKey: head.subarray(EPHEMERAL_AT, NONCE_AT),
    nonce: head.subarray(NONCE_AT, BOX_AT),
    box: head.subarray(BOX_AT, HEAD_BYTES),
  };
}

/** The inverse of {@link sealedSizeBytes}. @throws {@link CryptoError} `SEAL_TRUNCATED` for a size that it never gives. */
export function plaintextBytesOf(sizeBytes: number): number {
  const chunksBytes = sizeBytes - HEAD_BYTES;
  const plaintextBytes = chunksBytes - TAG_BYTES * Math.ceil(chunksBytes / (CHUNK_BYTES + TAG_BYTES));
  if (chunksBytes < TAG_BYTES || sealedSizeBytes(plaintextBytes) !== sizeBytes) {
    throw new CryptoError('SEAL_TRUNCATED', `no sealed update has ${sizeBytes} bytes`);
  }
  return plaintextBytes;
}
