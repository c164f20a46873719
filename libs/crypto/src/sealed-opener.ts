/** A sealed update that opens while it arrives (SPEC section 4): one chunk of it in memory, whatever its size. */
import nacl from 'tweetnacl';
import { roundPublicKey } from './agreement.js';
import { boxKey } from './box-key.js';
import { CryptoError } from './errors.js';
import { requireKey } from './raw-keys.js';
import { chunkKey, type SealContext } from './seal-context.js';
import { CHUNK_BYTES, HEAD_BYTES, parseHead, plaintextBytesOf, type SealedHead, TAG_BYTES } from './sealed-layout.js';
import { openChunk } from './stream.js';

/**
 * The caller MUST NOT let anything that depends on the chunks leave (no sum, log, metric or reply) before {@link end} has
 * returned, and MUST discard it otherwise: until then a chunk is known to be a true beginning, and not that the rest exists.
 */
export class SealedOpener {
  /** What has arrived of the head, or of the chunk that is not whole yet. */
  readonly #partial: Uint8Array;
  readonly #context: SealContext;
  #partialBytes = 0;
  #arrivedBytes = 0;
  #index = 0;
  #roundSecretKey: Uint8Array | undefined;
  #key: Uint8Array | undefined;

  /**
   * @param sizeBytes - of the whole sealed update.
   * @param roundSecretKey - 32 bytes, copied.
   * @throws {@link CryptoError} `SEAL_TRUNCATED` for a size that no sealed update has.
   * @throws RangeError for a key that is not 32 bytes.
   */
  constructor(
    private readonly sizeBytes: number,
    roundSecretKey: Uint8Array,
    context: SealContext,
  ) {
    requireKey(roundSecretKey, 'round secret key');
    plaintextBytesOf(sizeBytes);
    this.#partial = new Uint8Array(Math.min(sizeBytes, CHUNK_BYTES + TAG_BYTES));
    this.#roundSecretKey = Uint8Array.from(roundSecretKey);
    this.#context = context;
  }

  /**
   * @param bytes - peer-controlled; what follows the bytes before. Not modified, not kept.
   * @returns The chunks that they complete, 65536 bytes and a last one of 0 to 65536; each a fresh array of the caller.
   *   To be iterated to its end before the next push.
   * @throws {@link CryptoError} `SEAL_FORMAT`, `LOW_ORDER_KEY`, `SEAL_AUTHENTICATION`; `SEAL_TRUNCATED` for too many bytes.
   * @throws RangeError for a context that no plan has.
   */
  *push(bytes: Uint8Array): Generator<Uint8Array, void> {
    if (this.#arrivedBytes + bytes.length > this.sizeBytes) {
      throw new CryptoError('SEAL_TRUNCATED', `more than the ${this.sizeBytes} bytes of this update`);
    }
    for (let rest = bytes; rest.length > 0;) {
      const wantedBytes = this.#key === undefined ? HEAD_BYTES : this.#chunkBytes();
      // What is whole as it came need not be copied.
      const isWhole = this.#partialBytes === 0 && rest.length >= wantedBytes;
      const part = rest.subarray(0, wantedBytes - this.#partialBytes);
      if (!isWhole) this.#partial.set(part, this.#partialBytes);
      this.#partialBytes += part.length;
      this.#arrivedBytes += part.length;
      rest = rest.subarray(part.length);
      if (this.#partialBytes < wantedBytes) return;
      this.#partialBytes = 0;
      const unit = isWhole ? part : this.#partial.subarray(0, wantedBytes);
      if (this.#key === undefined) this.#key = this.#openHead(parseHead(unit));
      else yield openChunk(this.#key, this.#index++, this.#arrivedBytes === this.sizeBytes, unit);
    }
  }

  /** @throws {@link CryptoError} `SEAL_TRUNCATED` while bytes are missing. Wipes the keys. */
  end(): void {
    this.close();
    if (this.#arrivedBytes < this.sizeBytes) {
      throw new CryptoError('SEAL_TRUNCATED', `${this.#arrivedBytes} of ${this.sizeBytes} bytes of an update`);
    }
  }

  /** Wipes the keys; nothing may be pushed after it. */
  close(): void {
    this.#roundSecretKey?.fill(0);
    this.#key?.fill(0);
    this.#roundSecretKey = undefined;
  }

  #chunkBytes(): number {
    const left = this.sizeBytes - (this.#arrivedBytes - this.#partialBytes);
    return Math.min(left, CHUNK_BYTES + TAG_BYTES);
  }

  #openHead(head: SealedHead): Uint8Array {
    if (this.#roundSecretKey === undefined) throw new TypeError('this update was closed');
    const contentKey = openBox(head, this.#roundSecretKey);
    try {
      return chunkKey(contentKey, { ...head, roundPublicKey: roundPublicKey(this.#roundSecretKey) }, this.#context);
    } finally {
      contentKey.fill(0);
      this.#roundSecretKey.fill(0);
    }
  }
}

function openBox(head: SealedHead, roundSecretKey: Uint8Array): Uint8Array {
  const key = boxKey(head.ephemeralPublicKey, roundSecretKey);
  const contentKey = nacl.box.open.after(head.box, head.nonce, key);
  key.fill(0);
  if (contentKey === null) {
    throw new CryptoError('SEAL_AUTHENTICATION', 'the box is altered or not sealed to this round key');
  }
  return contentKey;
}
