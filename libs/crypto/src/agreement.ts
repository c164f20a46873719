/** X25519 (RFC 7748) without the results that an outsider knows beforehand. */
import { diffieHellman, type KeyObject } from 'node:crypto';
import nacl from 'tweetnacl';
import { CryptoError } from './errors.js';
import { isBytes, KEY_BYTES, publicKeyObject, rawPublicKey, requireKey, secretKeyObject } from './raw-keys.js';

/** A pair for one round or one message, 32 bytes each. Kept in memory only; its owner ends it with `secretKey.fill(0)`. */
export interface RoundKey {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** Any scalar tells: clamping makes each a multiple of 8, which takes a low-order point to zero (RFC 7748 section 5). */
const PROBE_KEY = secretKeyObject('x25519', new Uint8Array(KEY_BYTES).fill(1));

export function generateRoundKey(): RoundKey {
  return nacl.box.keyPair();
}

/** @param secretKey - 32 bytes. */
export function roundPublicKey(secretKey: Uint8Array): Uint8Array {
  return rawPublicKey('x25519', secretKeyObject('x25519', secretKey));
}

/**
 * X25519 of the two keys, 32 bytes: not uniform, so it goes through {@link hkdfSha256} before it is a key.
 *
 * @throws {@link CryptoError} `LOW_ORDER_KEY` if the result is zero (RFC 7748 section 6.1), which anyone could know.
 * @throws RangeError if a key is not 32 bytes.
 */
export function agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  requireKey(secretKey, 'X25519 secret key');
  requireKey(publicKey, 'X25519 public key');
  return x25519(secretKeyObject('x25519', secretKey), publicKey);
}

function x25519(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  const keys = { privateKey, publicKey: publicKeyObject('x25519', publicKey) };
  try {
    return new Uint8Array(diffieHellman(keys));
  } catch (cause) {
    // With two well-formed keys a zero result is the one reason for which OpenSSL fails; the test lists the points.
    throw new CryptoError('LOW_ORDER_KEY', 'an X25519 public key is of low order', { cause });
  }
}

/** Whether {@link agree} would accept this key from a peer; needs no secret and never throws. */
export function isSafeAgreementKey(publicKey: Uint8Array): boolean {
  if (!isBytes(publicKey, KEY_BYTES)) return false;
  try {
    x25519(PROBE_KEY, publicKey);
    return true;
  } catch {
    return false;
  }
}
