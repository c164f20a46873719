/**
 * Raw 32-byte keys, the wire format, as node:crypto's key objects. Public keys enter as JWK (RFC 8037), which Node 20
 * reads eight times faster than DER; secret keys as DER, because a JWK is text that cannot be overwritten. The
 * prefixes are all that stands before the key bytes in a SubjectPublicKeyInfo (RFC 8410 section 4) or a PKCS #8
 * private key (section 7).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { types } from 'node:util';
import { fromHex } from '@consilium/bytes';

export const KEY_BYTES = 32;

const publicPrefix = {
  ed25519: fromHex('302a300506032b6570032100'),
  x25519: fromHex('302a300506032b656e032100'),
};
const secretPrefix = {
  ed25519: fromHex('302e020100300506032b657004220420'),
  x25519: fromHex('302e020100300506032b656e04220420'),
};

type Curve = keyof typeof publicPrefix;

const jwkName = { ed25519: 'Ed25519', x25519: 'X25519' } as const;

/** True for a Uint8Array itself (a Proxy or a look-alike is none) of that length; any length if none is given. */
export function isBytes(value: unknown, length?: number): value is Uint8Array {
  return types.isUint8Array(value) && (length === undefined || value.length === length);
}

/** @throws RangeError if `key` is not 32 bytes. */
export function requireKey(key: Uint8Array, what: string): void {
  if (!isBytes(key, KEY_BYTES)) throw new RangeError(`the ${what} must be ${KEY_BYTES} bytes`);
}

/** @param key - 32 bytes. Any value is taken: whether it is a point shows only in use. */
export function publicKeyObject(curve: Curve, key: Uint8Array): KeyObject {
  const x = Buffer.from(key).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: jwkName[curve], x }, format: 'jwk' });
}

/** @param key - 32 bytes; not modified. The copies made here are overwritten. */
export function secretKeyObject(curve: Curve, key: Uint8Array): KeyObject {
  const der = Buffer.alloc(secretPrefix[curve].length + KEY_BYTES);
  try {
    der.set(secretPrefix[curve]);
    der.set(key, secretPrefix[curve].length);
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

/** The 32 public bytes that belong to a private or public key object. */
export function rawPublicKey(curve: Curve, key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(publicPrefix[curve].length));
}

/** The bytes of a secret that the engine gave, which has no other copy afterwards. */
export function taken(secret: Buffer): Uint8Array {
  const bytes = Uint8Array.from(secret);
  secret.fill(0);
  return bytes;
}

/** The 32 secret bytes: for the key file alone. The caller overwrites them. */
export function rawSecretKey(curve: Curve, key: KeyObject): Uint8Array {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const raw = Uint8Array.from(der.subarray(secretPrefix[curve].length));
  der.fill(0);
  return raw;
}
