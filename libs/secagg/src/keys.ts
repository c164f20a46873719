/** The key schedule (SPEC section 3). Every key binds the session, and so the plan and every public key of the cohort. */
import { equalBytes, fromHex, lengthPrefixed, toHex } from '@consilium/bytes';
import { agreeWithMany, generateRoundKey, hkdfSha256, type RoundKey, secretBytes, sha256Of } from '@consilium/crypto';

export const LABEL = 'consilium/secagg/v1/';
export const SECRET_BYTES = 32;
const NO_SALT = new Uint8Array(0);

/** A hospital's secrets of one attempt. In memory only, ended by {@link forgetKeys}. */
export interface AttemptKeys {
  /** Masks. Its secret half is rebuilt by the coordinator if its owner drops out: it encrypts nothing. */
  readonly mask: RoundKey;
  /** Shares. Its secret half is never shared. */
  readonly encryption: RoundKey;
  readonly selfSeed: Uint8Array;
}

export function generateAttemptKeys(): AttemptKeys {
  return { mask: generateRoundKey(), encryption: generateRoundKey(), selfSeed: secretBytes(SECRET_BYTES) };
}

export function forgetKeys({ mask, encryption, selfSeed }: AttemptKeys): void {
  for (const secret of [mask.secretKey, encryption.secretKey, selfSeed]) secret.fill(0);
}

/** @param planDigest - 64 hex digits. */
export function commitSelfSeed(planDigest: string, maskKey: Uint8Array, selfSeed: Uint8Array): string {
  return hashSecret(`${LABEL}self-seed-commit`, fromHex(planDigest), maskKey, selfSeed);
}

/** H(enc(parts)) in hex, where a part is secret: what was encoded is overwritten. */
export function hashSecret(...parts: readonly (string | Uint8Array)[]): string {
  const encoded = lengthPrefixed(...parts);
  try {
    return toHex(sha256Of(encoded));
  } finally {
    encoded.fill(0);
  }
}

/** @param advertDigests - of U1, in ascending x. */
export function deriveSessionId(planDigest: string, advertDigests: readonly string[]): string {
  const parts = [planDigest, ...advertDigests].map(fromHex);
  return toHex(sha256Of(lengthPrefixed(`${LABEL}session`, ...parts)));
}

/** Whether the first key is bytewise below the second: its owner adds their common mask, the other subtracts it. */
export function addsMask(ownKey: Uint8Array, peerKey: Uint8Array): boolean {
  return Buffer.compare(ownKey, peerKey) < 0;
}

/**
 * The masks of one hospital with its peers.
 *
 * @param own - the secret half may also be one that was rebuilt.
 * @returns A function from a peer's mask key to the key of their common mask; it throws CryptoError `LOW_ORDER_KEY`.
 */
export function pairMaskKeys(sessionId: string, own: RoundKey): (peerKey: Uint8Array) => Uint8Array {
  const agreeWith = agreeWithMany(own.secretKey);
  const session = fromHex(sessionId);
  return (peerKey) => {
    if (equalBytes(own.publicKey, peerKey)) throw new RangeError('a hospital has no mask with itself');
    const [lesser, greater] = addsMask(own.publicKey, peerKey) ? [own.publicKey, peerKey] : [peerKey, own.publicKey];
    return derive(agreeWith(peerKey), session, 'pairwise-mask', lesser, greater);
  };
}

export function selfMaskKey(sessionId: string, selfSeed: Uint8Array, maskKey: Uint8Array): Uint8Array {
  return hkdfSha256(selfSeed, fromHex(sessionId), lengthPrefixed(`${LABEL}self-mask`, maskKey));
}

/** Whose shares, and for whom: X25519 encryption keys. */
export interface Direction {
  readonly dealer: Uint8Array;
  readonly recipient: Uint8Array;
}

/** The keys of parcels from or to one hospital: both ends compute one, each from its own secret half. */
export function shareKeys(
  sessionId: string,
  ownSecretKey: Uint8Array,
): (peerKey: Uint8Array, direction: Direction) => Uint8Array {
  const agreeWith = agreeWithMany(ownSecretKey);
  const session = fromHex(sessionId);
  return (peerKey, { dealer, recipient }) => derive(agreeWith(peerKey), session, 'share-enc', dealer, recipient);
}

/** Public: the weights of checksum word `index`. */
export function checksumKey(sessionId: string, index: number): Uint8Array {
  return hkdfSha256(fromHex(sessionId), NO_SALT, lengthPrefixed(`${LABEL}checksum`, Uint8Array.of(index)));
}

function derive(shared: Uint8Array, session: Uint8Array, purpose: string, a: Uint8Array, b: Uint8Array): Uint8Array {
  try {
    return hkdfSha256(shared, session, lengthPrefixed(`${LABEL}${purpose}`, a, b));
  } finally {
    shared.fill(0);
  }
}
