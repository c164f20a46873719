/** Dealing shares of two secrets to a cohort, and what a recipient checks of them (SPEC section 4). */
import { canonicalBytes, concatBytes, equalBytes, fromBase64, fromHex, toBase64, toHex } from '@consilium/bytes';
import { openSecret, sealSecret, splitSecret } from '@consilium/crypto';
import type { Cohort, Member } from './cohort.js';
import { SecAggError } from './errors.js';
import { type AttemptKeys, hashSecret, LABEL, SECRET_BYTES, shareKeys } from './keys.js';
import { auditPath, merkleTree, rootFromPath, rootOf, type Tree } from './merkle.js';
import type { Delivery, Parcel, ShareType } from './messages.js';

/** One recipient's shares of one dealer's secrets, 32 bytes each. */
export interface SharePair {
  readonly selfSeed: Uint8Array;
  readonly maskKey: Uint8Array;
}

const HEAD_BYTES = SECRET_BYTES + 2;

/** Hides its share, which is 32 uniform bytes. */
export function shareDigests(
  sessionId: string,
): (type: ShareType, fromX: number, toX: number, share: Uint8Array) => string {
  const session = fromHex(sessionId);
  return (type, fromX, toX, share) =>
    hashSecret(`${LABEL}share`, session, type, Uint8Array.of(fromX), Uint8Array.of(toX), share);
}

/** @param parcels - one for each of U1, in ascending x. */
export const parcelTree = (parcels: readonly Parcel[]): Tree => merkleTree(parcels.map(canonicalBytes));

/** @returns What the dealer sends: the root that it signs, and beside it a parcel for each of U1, itself included. */
export function dealShares(
  cohort: Cohort,
  dealer: Member,
  keys: AttemptKeys,
): { shareRoot: string; parcels: Parcel[] } {
  const { sessionId, members, plan } = cohort;
  const xs = members.map(({ x }) => x);
  const [keyFor, digest] = [shareKeys(sessionId, keys.encryption.secretKey), shareDigests(sessionId)];
  const session = fromHex(sessionId);
  const selfSeeds = splitSecret(keys.selfSeed, plan.body.threshold, xs);
  const maskKeys = splitSecret(keys.mask.secretKey, plan.body.threshold, xs);
  const parcels = members.map((recipient, at): Parcel => {
    const pair = [selfSeeds[at] as Uint8Array, maskKeys[at] as Uint8Array] as const;
    const direction = { dealer: dealer.encryptionKey, recipient: recipient.encryptionKey };
    const key = keyFor(recipient.encryptionKey, direction);
    const plaintext = concatBytes(session, Uint8Array.of(dealer.x, recipient.x), ...pair);
    const sealed = toBase64(sealSecret(key, plaintext));
    const [selfSeedDigest, maskKeyDigest] = (['self-seed', 'mask-key'] as const).map((type, i) =>
      digest(type, dealer.x, recipient.x, pair[i] as Uint8Array),
    ) as [string, string];
    for (const secret of [key, plaintext, ...pair]) secret.fill(0);
    return { x: recipient.x, sealed, selfSeedDigest, maskKeyDigest };
  });
  return { shareRoot: toHex(rootOf(parcelTree(parcels))), parcels };
}

/** For the coordinator, which forwards each parcel with the path that ties it to the dealer's signature. */
export function parcelProofs(tree: Tree): (index: number) => string[] {
  const hashes = tree.map((level) => level.map(toHex)); // once for all paths, which share them
  return (index) => auditPath(hashes, index);
}

/**
 * What a recipient accepts of dealers, or the reason to complain about one.
 *
 * @returns A function: `shareRoot` is signed by the dealer, the delivery is hostile. It throws {@link SecAggError}
 * `BAD_SHARE`, naming the dealer; `FORGED` for a parcel that the dealer did not sign: the forwarder put it there.
 */
export function parcelOpener(
  { sessionId, members }: Cohort,
  recipient: Member,
  encryptionSecretKey: Uint8Array,
): (dealer: Member, shareRoot: string, delivery: Delivery) => SharePair {
  const [keyFrom, digest] = [shareKeys(sessionId, encryptionSecretKey), shareDigests(sessionId)];
  const [session, place] = [fromHex(sessionId), members.indexOf(recipient)];
  return (dealer, shareRoot, { parcel, proof }) => {
    const refuse = (why: string, cause?: unknown): never => {
      throw new SecAggError('BAD_SHARE', `${dealer.hospitalId} dealt ${why}`, dealer.hospitalId, { cause });
    };
    const root = rootFromPath(canonicalBytes(parcel), place, members.length, proof.map(fromHex));
    // The coordinator has seen that all parcels of a dealer give its root, so this is not the dealer's doing.
    if (parcel.x !== recipient.x || root === null || toHex(root) !== shareRoot) {
      throw new SecAggError('FORGED', `a parcel in the name of ${dealer.hospitalId} is not one that it signed`);
    }
    const direction = { dealer: dealer.encryptionKey, recipient: recipient.encryptionKey };
    const key = keyFrom(dealer.encryptionKey, direction);
    let plaintext: Uint8Array | undefined;
    let pair: SharePair | undefined;
    try {
      plaintext = opened(key, parcel.sealed, refuse);
      const head = concatBytes(session, Uint8Array.of(dealer.x, recipient.x));
      if (plaintext.length !== HEAD_BYTES + 2 * SECRET_BYTES || !equalBytes(plaintext.subarray(0, HEAD_BYTES), head)) {
        refuse('a parcel for another place');
      }
      pair = {
        selfSeed: plaintext.slice(HEAD_BYTES, HEAD_BYTES + SECRET_BYTES),
        maskKey: plaintext.slice(HEAD_BYTES + SECRET_BYTES),
      };
      if (
        digest('self-seed', dealer.x, recipient.x, pair.selfSeed) !== parcel.selfSeedDigest ||
        digest('mask-key', dealer.x, recipient.x, pair.maskKey) !== parcel.maskKeyDigest
      ) {
        refuse('a share without its digest');
      }
      return pair;
    } catch (error) {
      if (pair !== undefined) forgetPair(pair);
      throw error;
    } finally {
      key.fill(0);
      plaintext?.fill(0);
    }
  };
}

function opened(key: Uint8Array, sealed: string, refuse: (why: string, cause: unknown) => never): Uint8Array {
  try {
    return openSecret(key, fromBase64(sealed));
  } catch (cause) {
    return refuse('a parcel that does not open', cause);
  }
}

export function forgetPair({ selfSeed, maskKey }: SharePair): void {
  selfSeed.fill(0);
  maskKey.fill(0);
}
