/** HKDF (RFC 5869) and SHA-256 at native speed; `sha256Hex` of libs/bytes is the one that also runs in a browser. */
import { createHash, hkdfSync } from 'node:crypto';
import { isBytes } from './raw-keys.js';

/**
 * HKDF-SHA-256, extract and expand.
 *
 * @param info - says what the key is for and binds its context: `lengthPrefixed('consilium/...', ...)`.
 * @param lengthBytes - 1 to 8160 (255 blocks).
 * @throws RangeError if `lengthBytes` is outside its range.
 */
export function hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, lengthBytes = 32): Uint8Array {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 1 || lengthBytes > 8160) {
    throw new RangeError('HKDF-SHA-256 gives 1 to 8160 bytes');
  }
  return new Uint8Array(hkdfSync('sha256', ikm, salt, info, lengthBytes));
}

/** SHA-256 of a blob as 64 lower-case hex digits. */
export function digestBlob(bytes: Uint8Array): string {
  return new BlobDigest().update(bytes).finish();
}

/** {@link digestBlob} of a blob that arrives in chunks. */
export class BlobDigest {
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @throws TypeError for text, whose bytes would depend on an encoding. */
  update(chunk: Uint8Array): this {
    if (!isBytes(chunk)) throw new TypeError('a blob is bytes');
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    return this;
  }

  /** @returns 64 lower-case hex digits. Once only: afterwards `update` and `finish` throw. */
  finish(): string {
    return this.#hash.digest('hex');
  }
}
