/**
 * The key of nacl.box between two X25519 keys. tweetnacl's own multiplication takes eight times as long as OpenSSL's, and
 * takes low-order keys; its HSalsa20 makes the same key of the same point.
 */
import nacl from 'tweetnacl';
import { utf8 } from '@consilium/bytes';
import { agree } from './agreement.js';

interface Lowlevel {
  readonly lowlevel: {
    crypto_core_hsalsa20(out: Uint8Array, input: Uint8Array, key: Uint8Array, constant: Uint8Array): void;
  };
}

/** Exported by tweetnacl, and missing from its types. */
export const { lowlevel } = nacl as unknown as Lowlevel;
const SIGMA = utf8('expand 32-byte k');
const ZERO = new Uint8Array(16);

/**
 * @returns What nacl.box.before(publicKey, secretKey) returns, 32 secret bytes that their owner overwrites.
 * @throws {@link CryptoError} `LOW_ORDER_KEY`: a box under such a key anyone could open or make.
 */
export function boxKey(publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const shared = agree(secretKey, publicKey);
  const key = new Uint8Array(32);
  lowlevel.crypto_core_hsalsa20(key, ZERO, shared, SIGMA);
  shared.fill(0);
  return key;
}
