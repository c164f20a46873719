/** The long-lived Ed25519 key pair of a hospital or a coordinator, and how people compare public keys by phone. */
import { createHash, type KeyObject } from 'node:crypto';
import nacl from 'tweetnacl';
import { KEY_BYTES, rawPublicKey, secretKeyObject } from './raw-keys.js';

/**
 * `secretKey` is a key object and not bytes: printed, logged, spread into JSON or inspected it shows nothing.
 * `publicKey` is 32 bytes, as it stands in a roster.
 */
export interface Identity {
  readonly publicKey: Uint8Array;
  readonly secretKey: KeyObject;
}

/**
 * @param secretKey - the 32-byte secret key of RFC 8032 section 5.1.5; the caller overwrites it. The public key is
 * always derived from it: a pair whose halves do not match signs away its secret.
 */
export function identityFromSecretKey(secretKey: Uint8Array): Identity {
  const key = secretKeyObject('ed25519', secretKey);
  return { publicKey: rawPublicKey('ed25519', key), secretKey: key };
}

/** A new identity from the system's CSPRNG, in memory only; {@link loadOrCreateIdentity} keeps one. */
export function generateIdentity(): Identity {
  const pair = nacl.sign.keyPair();
  try {
    // tweetnacl's 64-byte secret key is the RFC 8032 secret key followed by the public key.
    return identityFromSecretKey(pair.secretKey.subarray(0, KEY_BYTES));
  } finally {
    pair.secretKey.fill(0);
  }
}

/**
 * What two people read to each other: the first 16 bytes of SHA-256 as eight u16 (big-endian), five digits each.
 *
 * @param publicBytes - a 32-byte public key, or the canonical JSON of a roster.
 * @returns 47 characters, for example `25357 52521 ...`: 128 bits, so all eight groups must be compared.
 */
export function fingerprint(publicBytes: Uint8Array): string {
  const digest = createHash('sha256').update(publicBytes).digest();
  return Array.from({ length: 8 }, (_, i) => String(digest.readUInt16BE(2 * i)).padStart(5, '0')).join(' ');
}
