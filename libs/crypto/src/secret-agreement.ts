/** {@link agree} with many peers: the secret key is read once, which takes as long as an agreement itself. */
import { diffieHellman } from 'node:crypto';
import { CryptoError } from './errors.js';
import { publicKeyObject, requireKey, secretKeyObject, taken } from './raw-keys.js';

/**
 * @param secretKey - 32 bytes; not kept as bytes. The engine's copy lives as long as the returned function: let go of it.
 * @returns A function from a peer's public key (32 bytes) to X25519 of both, 32 bytes that are not uniform. It throws
 * {@link CryptoError} `LOW_ORDER_KEY` for a zero result, and RangeError for another length.
 */
export function agreeWithMany(secretKey: Uint8Array): (publicKey: Uint8Array) => Uint8Array {
  requireKey(secretKey, 'X25519 secret key');
  const privateKey = secretKeyObject('x25519', secretKey);
  return (publicKey) => {
    requireKey(publicKey, 'X25519 public key');
    const keys = { privateKey, publicKey: publicKeyObject('x25519', publicKey) };
    try {
      return taken(diffieHellman(keys));
    } catch (cause) {
      throw new CryptoError('LOW_ORDER_KEY', 'an X25519 public key is of low order', { cause });
    }
  };
}
