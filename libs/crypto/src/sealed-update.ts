/**
 * One hospital's update on its way to the coordinator, in the trust mode `sealed`. A tweetnacl box carries a content
 * key, the content key carries the update (SPEC section 4). Not for the mode `secagg`, in which nobody may open one.
 *
 * Secrets are overwritten after use as far as JavaScript allows: the engine may have copied them, and strings, swap
 * and core dumps are out of reach.
 */
import { randomBytes } from 'node:crypto';
import nacl from 'tweetnacl';
import { generateRoundKey } from './agreement.js';
import { boxKey } from './box-key.js';
import { KEY_BYTES } from './raw-keys.js';
import { chunkKey, type SealContext } from './seal-context.js';
import { HEAD_BYTES, NONCE_BYTES, plaintextBytesOf, sealedSizeBytes, writeHead } from './sealed-layout.js';
import { SealedOpener } from './sealed-opener.js';
import { sealStream } from './stream.js';

/**
 * @param plaintext - the bytes of the update, 0 or more. Not modified; overwriting it is up to its owner.
 * @param roundPublicKey - 32 bytes, from the signed plan.
 * @returns {@link sealedSizeBytes} bytes, different at each call.
 * @throws {@link CryptoError} `LOW_ORDER_KEY`: to such a round key everyone could open.
 * @throws RangeError for a key that is not 32 bytes, or a context that no plan has.
 */
export function sealUpdate(plaintext: Uint8Array, roundPublicKey: Uint8Array, context: SealContext): Uint8Array {
  const ephemeral = generateRoundKey();
  const contentKey = randomBytes(KEY_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const secrets = [ephemeral.secretKey, contentKey];
  try {
    const outerKey = boxKey(roundPublicKey, ephemeral.secretKey);
    secrets.push(outerKey);
    const key = chunkKey(contentKey, { ephemeralPublicKey: ephemeral.publicKey, nonce, roundPublicKey }, context);
    secrets.push(key);
    const sealed = new Uint8Array(sealedSizeBytes(plaintext.length));
    const box = nacl.box.after(contentKey, nonce, outerKey);
    writeHead(sealed, { ephemeralPublicKey: ephemeral.publicKey, nonce, box });
    sealStream(key, plaintext, sealed.subarray(HEAD_BYTES));
    return sealed;
  } finally {
    for (const secret of secrets) secret.fill(0);
  }
}

/**
 * Opens an update chunk by chunk, so that a sum can be accumulated without holding one whole. Nothing happens before
 * the first chunk is asked for; `sealed` and `roundSecretKey` must stay as they are until the iteration has ended.
 *
 * The caller MUST NOT let anything that depends on the chunks leave (no sum, log, metric or reply) before the
 * iteration has ended without an error, and MUST discard it otherwise, also when it stops early: until then a chunk is
 * known to be a true beginning, and not that the rest exists. Who adds in place keeps the sum from before.
 *
 * @param sealed - peer-controlled, of any length. Its sender's signature over its digest has been verified.
 * @param roundSecretKey - 32 bytes. Not modified.
 * @returns Chunks of 65536 bytes and a last one of 0 to 65536; each a fresh array that belongs to the caller.
 * @throws {@link CryptoError} `SEAL_TRUNCATED`, `SEAL_FORMAT`, `LOW_ORDER_KEY`, `SEAL_AUTHENTICATION`.
 * @throws RangeError for a key that is not 32 bytes, or a context that no plan has.
 */
export function* openSealedChunks(
  sealed: Uint8Array,
  roundSecretKey: Uint8Array,
  context: SealContext,
): Generator<Uint8Array, void> {
  const opener = new SealedOpener(sealed.length, roundSecretKey, context);
  try {
    yield* opener.push(sealed);
  } finally {
    opener.close();
  }
}

/**
 * {@link openSealedChunks} for callers that want the whole update or nothing: parameters and errors are the same.
 *
 * @returns The plaintext in a fresh array.
 */
export function openSealedUpdate(sealed: Uint8Array, roundSecretKey: Uint8Array, context: SealContext): Uint8Array {
  const plaintext = new Uint8Array(plaintextBytesOf(sealed.length));
  let at = 0;
  try {
    for (const chunk of openSealedChunks(sealed, roundSecretKey, context)) {
      plaintext.set(chunk, at);
      at += chunk.length;
    }
    return plaintext;
  } catch (error) {
    plaintext.fill(0);
    throw error;
  }
}
