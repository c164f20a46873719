/** X25519 (RFC 7748) without the results that an outsider knows beforehand. */
import { diffieHellman, type KeyObject } from 'node:crypto';
import nacl from 'tweetnacl';
import { toHex } from '@consilium/bytes';
import { CryptoError } from './errors.js';
import { isBytes, KEY_BYTES, publicKeyObject, rawPublicKey, requireKey, secretKeyObject, taken } from './raw-keys.js';

/** A pair for one round or one message, 32 bytes each. Kept in memory only; its owner ends it with `secretKey.fill(0)`. */
export interface RoundKey {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/**
 * The u of every point whose order divides 8, in each spelling below 2^255 (RFC 7748 section 5 ignores the highest bit, and
 * takes p and p + 1 for 0 and 1): clamping makes each scalar a multiple of 8, which takes them to zero.
 */
const LOW_ORDER_U: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

export function generateRoundKey(): RoundKey {
  const secretKey = nacl.randomBytes(KEY_BYTES); // of the system's CSPRNG
  return { publicKey: roundPublicKey(secretKey), secretKey };
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
    return taken(diffieHellman(keys));
  } catch (cause) {
    // With two well-formed keys a zero result is the one reason for which OpenSSL fails; the test lists the points.
    throw new CryptoError('LOW_ORDER_KEY', 'an X25519 public key is of low order', { cause });
  }
}

/** Whether {@link agree} would accept this key from a peer; needs no secret, no agreement, and never throws. */
export function isSafeAgreementKey(publicKey: Uint8Array): boolean {
  if (!isBytes(publicKey, KEY_BYTES)) return false;
  const u = Uint8Array.from(publicKey);
  u[KEY_BYTES - 1] = (u[KEY_BYTES - 1] ?? 0) & 0x7f;
  return !LOW_ORDER_U.has(toHex(u));
}
