/** crypto_secretbox (XSalsa20-Poly1305) for short secrets under a key that one sender uses towards one receiver. */
import { randomFillSync } from 'node:crypto';
import nacl from 'tweetnacl';
import { concatBytes } from '@consilium/bytes';
import { CryptoError } from './errors.js';
import { requireKey } from './raw-keys.js';

const { nonceLength: NONCE_BYTES, overheadLength: TAG_BYTES } = nacl.secretbox;
/** Of NaCl's own interface: so many zeros stand before the plaintext. */
const ZERO_BYTES = 32;
/** `nacl.secretbox` without its padded copy of the plaintext, which it leaves in memory. */
const { lowlevel } = nacl as unknown as {
  readonly lowlevel: {
    crypto_secretbox(out: Uint8Array, padded: Uint8Array, length: number, nonce: Uint8Array, key: Uint8Array): number;
  };
};

/** What {@link sealSecret} adds to its plaintext, bytes. */
export const SEALED_SECRET_OVERHEAD = NONCE_BYTES + TAG_BYTES;

/** `lengthBytes` of the system's CSPRNG. There is no way to give it a seed. */
export function secretBytes(lengthBytes: number): Uint8Array {
  return randomFillSync(new Uint8Array(lengthBytes));
}

/**
 * @param key - 32 bytes. The box has no associated data: whatever it is for belongs into the derivation of the key.
 * @returns A random nonce (24 bytes), then the tag (16) and the ciphertext.
 */
export function sealSecret(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  requireKey(key, 'secretbox key');
  const nonce = secretBytes(NONCE_BYTES);
  const padded = new Uint8Array(ZERO_BYTES + plaintext.length);
  const boxed = new Uint8Array(padded.length);
  try {
    padded.set(plaintext, ZERO_BYTES);
    lowlevel.crypto_secretbox(boxed, padded, padded.length, nonce, key);
  } finally {
    padded.fill(0);
  }
  return concatBytes(nonce, boxed.subarray(ZERO_BYTES - TAG_BYTES));
}

/**
 * @param sealed - peer-controlled, of any length.
 * @returns The one copy of the plaintext, which its owner overwrites.
 * @throws {@link CryptoError} `SEAL_TRUNCATED` or `SEAL_AUTHENTICATION`.
 */
export function openSecret(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  requireKey(key, 'secretbox key');
  if (sealed.length < SEALED_SECRET_OVERHEAD) throw new CryptoError('SEAL_TRUNCATED', 'the sealed secret is cut off');
  const plaintext = nacl.secretbox.open(sealed.slice(NONCE_BYTES), sealed.slice(0, NONCE_BYTES), key);
  if (plaintext === null) {
    throw new CryptoError('SEAL_AUTHENTICATION', 'the secret was altered, or sealed under another key');
  }
  return plaintext;
}
