/**
 * The STREAM construction over AES-256-GCM: chunk number and last-chunk flag are the nonce, so a chunk opens only at
 * its place and a stream cannot end early or late.
 *
 * @see Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015; the payload of the age format.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { CryptoError } from './errors.js';
import { CHUNK_BYTES, TAG_BYTES } from './sealed-layout.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;

/** The number fits its low 4 bytes: 2^32 chunks are 256 TiB, and also the most that one GCM key may encrypt. */
function chunkNonce(index: number, isLast: boolean): Uint8Array {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(index, NONCE_BYTES - 5);
  nonce.writeUInt8(isLast ? 1 : 0, NONCE_BYTES - 1);
  return nonce;
}

/**
 * @param key - 32 bytes that encrypt this one stream and nothing else, ever.
 * @param out - exactly as long as the chunks and their tags.
 */
export function sealStream(key: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
  let at = 0;
  let index = 0;
  for (let start = 0; start === 0 || start < plaintext.length; start += CHUNK_BYTES, index += 1) {
    const end = start + CHUNK_BYTES;
    const cipher = createCipheriv(ALGORITHM, key, chunkNonce(index, end >= plaintext.length));
    for (const part of [cipher.update(plaintext.subarray(start, end)), cipher.final(), cipher.getAuthTag()]) {
      out.set(part, at);
      at += part.length;
    }
  }
}

/**
 * @param chunks - peer-controlled, at least one tag long.
 * @returns The plaintext in chunks, each a fresh array, each authentic when it comes; complete only at the end.
 * @throws {@link CryptoError} `SEAL_AUTHENTICATION` at the first chunk that does not open.
 */
export function* openStream(key: Uint8Array, chunks: Uint8Array): Generator<Uint8Array, void> {
  const step = CHUNK_BYTES + TAG_BYTES;
  for (let start = 0, index = 0; start < chunks.length; start += step, index += 1) {
    const chunk = chunks.subarray(start, start + step);
    const decipher = createDecipheriv(ALGORITHM, key, chunkNonce(index, start + step >= chunks.length), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(chunk.subarray(chunk.length - TAG_BYTES));
    const plaintext = decipher.update(chunk.subarray(0, chunk.length - TAG_BYTES));
    try {
      decipher.final();
    } catch {
      plaintext.fill(0);
      throw new CryptoError('SEAL_AUTHENTICATION', `chunk ${index} is altered, misplaced or not for this context`);
    }
    yield plaintext;
  }
}
