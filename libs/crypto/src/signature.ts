/**
 * Ed25519 with one answer everywhere. Which odd inputs an engine takes differs between tweetnacl, Node 20 and Node 24
 * (SPEC section 1), and two verifiers that disagree about one signature disagree about the ledger.
 */
import { sign, verify } from 'node:crypto';
import { fromHex, toHex } from '@consilium/bytes';
import type { Identity } from './identity.js';
import { isBytes, KEY_BYTES, publicKeyObject } from './raw-keys.js';

const SIGNATURE_BYTES = 64;

/** p = 2^255 - 19 and L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032 section 5.1), little-endian. */
const P = fromHex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f');
const L = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

/** The y of every point whose order divides 8; x and -x share one y. The test derives them from the curve equation. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

function isBelow(littleEndian: Uint8Array, bound: Uint8Array): boolean {
  return Buffer.compare(littleEndian.toReversed(), bound.toReversed()) < 0;
}

/** The y coordinate of an encoded point: bit 255 is the sign of x. */
function yOf(point: Uint8Array): Uint8Array {
  const y = Uint8Array.from(point);
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] ?? 0) & 0x7f;
  return y;
}

/** Exported for the test, which holds for each check an input that no other one refuses. */
export const strictChecks = {
  scalarIsReduced: (signature: Uint8Array) => isBelow(signature.subarray(KEY_BYTES), L),
  keyIsCanonical: (publicKey: Uint8Array) => isBelow(yOf(publicKey), P),
  hasLargeOrder: (point: Uint8Array) => !SMALL_ORDER_Y.has(toHex(yOf(point))),
};

/**
 * Whether an Ed25519 public key may be enrolled: 32 bytes, canonical, not of small order. Never throws.
 * It does not say that anyone holds the secret key, nor that the bytes are a point: enrolment asks for a signature.
 */
export function isSafePublicKey(key: Uint8Array): boolean {
  return isBytes(key, KEY_BYTES) && strictChecks.keyIsCanonical(key) && strictChecks.hasLargeOrder(key);
}

/** @returns 64 bytes, the same for the same input (RFC 8032). Not an identifier: a signer can make others as valid. */
export function signBytes(identity: Identity, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, bytes, identity.secretKey));
}

/** Everything but the engine's own verdict; a function of its own so that a test sees it apart from any engine. */
export function passesStrictChecks(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return (
    isSafePublicKey(publicKey) &&
    isBytes(signature, SIGNATURE_BYTES) &&
    isBytes(message) &&
    strictChecks.scalarIsReduced(signature) &&
    strictChecks.hasLargeOrder(signature.subarray(0, KEY_BYTES))
  );
}

/**
 * True only for a signature that every supported Node accepts. Never throws: each argument may be hostile, of any
 * length, or not bytes at all.
 *
 * @see RFC 8032 section 5.1.7; SPEC section 1 for the checks and who lacks them.
 */
export function verifyStrict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return (
    passesStrictChecks(publicKey, message, signature) &&
    verify(null, message, publicKeyObject('ed25519', publicKey), signature)
  );
}
