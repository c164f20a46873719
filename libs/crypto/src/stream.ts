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
 * @param key - of the stream. @param index - of the chunk, from 0.
 * @param chunk - peer-controlled, at least one tag long.
 * @returns The plaintext of one chunk in a fresh array, authentic; the stream is complete only with its last chunk.
 * @throws {@link CryptoError} `SEAL_AUTHENTICATION`.
 */
export function openChunk(key: Uint8Array, index: number, isLast: boolean, chunk: Uint8Array): Uint8Array {
  const plaintext = openUnder(key, chunkNonce(index, isLast), chunk);
  if (plaintext !== null) return plaintext;
  throw new CryptoError('SEAL_AUTHENTICATION', `chunk ${index} is altered, misplaced or not for this context`);
}

/** Exported for the test vectors, whose nonces no stream has. @returns null for what is not authentic. */
export function openUnder(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return null;
  }
}
