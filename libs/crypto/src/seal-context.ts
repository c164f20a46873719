/** What a sealed update is for. Both sides derive the chunk key from it, so an update opens for nothing else. */
import { fromHex, lengthPrefixed } from '@consilium/bytes';
import { hkdfSha256 } from './derive.js';

export interface SealContext {
  /** SHA-256 of the plan, 64 lower-case hex digits. */
  readonly planDigest: string;
  readonly runId: string;
  /** Counting numbers of the plan, 0 to 2^53 - 1. */
  readonly round: number;
  readonly attempt: number;
  readonly hospitalId: string;
}

/** The public part of one sealing: what travels in its head, and the key that it is sealed to. */
export interface SealPublics {
  readonly ephemeralPublicKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly roundPublicKey: Uint8Array;
}

function counting(value: number, what: string): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${what} must be a non-negative safe integer`);
  return String(value);
}

/** A lone surrogate has no UTF-8: every one would be encoded as U+FFFD, and two ids could share their bytes. */
function identifier(value: string, what: string): string {
  if (value === '' || !value.isWellFormed()) throw new RangeError(`${what} must be non-empty, well-formed text`);
  return value;
}

/**
 * The AES-256 key of one sealed update (SPEC section 4.2).
 *
 * @throws RangeError for a context that no plan has. It comes from our own checked plan, not from the sealed bytes.
 */
export function chunkKey(contentKey: Uint8Array, publics: SealPublics, context: SealContext): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(context.planDigest)) throw new RangeError('planDigest must be 64 lower-case hex digits');
  const info = lengthPrefixed(
    'consilium/sealed-update/v1',
    fromHex(context.planDigest),
    identifier(context.runId, 'runId'),
    counting(context.round, 'round'),
    counting(context.attempt, 'attempt'),
    identifier(context.hospitalId, 'hospitalId'),
    publics.ephemeralPublicKey,
    publics.roundPublicKey,
  );
  return hkdfSha256(contentKey, publics.nonce, info);
}
