/**
 * Small secrets that must outlive a crash, encrypted in a store that others may read: the key comes from the identity, so
 * whoever has only the store (a backup, a database account) has nothing.
 */
import { randomBytes } from 'node:crypto';
import nacl from 'tweetnacl';
import { concatBytes, lengthPrefixed, utf8 } from '@consilium/bytes';
import { hkdfSha256 } from './derive.js';
import { CryptoError } from './errors.js';
import type { Identity } from './identity.js';
import { signBytes } from './signature.js';

const LABEL = 'consilium/at-rest/1';

/**
 * An Ed25519 signature is a deterministic secret of its signer as long as nobody is given it. No statement can collide with
 * this text: what is signed elsewhere starts with `DSSEv1`.
 */
function keyOf(identity: Identity, context: string): Uint8Array {
  return hkdfSha256(signBytes(identity, utf8(LABEL)), new Uint8Array(0), lengthPrefixed(LABEL, context));
}

/** @param context - what the secret is for; it opens under the same context only. @returns nonce (24) and secretbox. */
export function sealAtRest(secret: Uint8Array, identity: Identity, context: string): Uint8Array {
  const nonce = Uint8Array.from(randomBytes(nacl.secretbox.nonceLength));
  return concatBytes(nonce, nacl.secretbox(secret, nonce, keyOf(identity, context)));
}

/** @throws {@link CryptoError} `SEAL_TRUNCATED` or `SEAL_AUTHENTICATION`. */
export function openAtRest(sealed: Uint8Array, identity: Identity, context: string): Uint8Array {
  const { nonceLength, overheadLength } = nacl.secretbox;
  if (sealed.length < nonceLength + overheadLength) throw new CryptoError('SEAL_TRUNCATED', 'the secret is cut off');
  const nonce = Uint8Array.from(sealed.subarray(0, nonceLength));
  const box = Uint8Array.from(sealed.subarray(nonceLength));
  const secret = nacl.secretbox.open(box, nonce, keyOf(identity, context));
  if (secret === null) {
    throw new CryptoError(
      'SEAL_AUTHENTICATION',
      'the secret was altered, or sealed by another identity or for another use',
    );
  }
  return secret;
}
