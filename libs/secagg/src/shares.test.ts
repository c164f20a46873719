/**
 * Claims: (1) npm shamir-secret-sharing combines the shares that this protocol deals, and this library combines its; (2) a
 * parcel is of the size that SPEC section 4 says, and opens for its recipient only. Oracle: npm shamir-secret-sharing 0.0.4
 * (audited), and the secrets themselves.
 */
import { concatBytes, fromBase64, toBase64, toHex } from '@consilium/bytes';
import {
  openSecret,
  sealSecret,
  SEALED_SECRET_OVERHEAD,
  secretBytes,
  shareCombiner,
  splitSecret,
} from '@consilium/crypto';
import { combine, split } from 'shamir-secret-sharing';
import { describe, expect, it } from 'vitest';
import { shareKeys } from './keys.js';
import { rootOf } from './merkle.js';
import { dealtRound } from './rehearsal.js';
import { parcelOpener, parcelProofs, parcelTree } from './shares.js';

/** The package keeps x behind y. */
const joined = (x: number, y: Uint8Array): Uint8Array => Uint8Array.from([...y, x]);

describe('interoperation with npm shamir-secret-sharing', () => {
  it('it combines ours', async () => {
    const secret = secretBytes(32);
    const xs = [3, 7, 200, 255];
    const shares = splitSecret(secret, 3, xs).map((y, i) => joined(xs[i] as number, y));
    expect(toHex(await combine(shares.slice(1)))).toBe(toHex(secret));
  });

  it('we combine its', async () => {
    const secret = secretBytes(32);
    const shares = (await split(secret, 5, 3)).slice(2);
    const combineAt = shareCombiner(shares.map((share) => share[32] as number));
    expect(toHex(combineAt(shares.map((share) => share.slice(0, 32))))).toBe(toHex(secret));
  });

  it('it combines what a round dealt', async () => {
    const { all, round, delivered } = dealtRound();
    const secret = (all[1]?.dealt.keys.selfSeed as Uint8Array).slice();
    for (const actor of all) round.mask(actor, delivered);
    const shares = all.slice(0, 4).map(({ x, masked }) => joined(x, masked.held.get(2)?.selfSeed as Uint8Array));
    expect(toHex(await combine(shares))).toBe(toHex(secret));
  });
});

it('a parcel has 98 bytes and its seal, and opens for nobody else', () => {
  const { all, delivered } = dealtRound();
  const delivery = delivered.get('h3')?.deliveries[1];
  const [third, fourth] = [all[2], all[3]];
  if (!delivery || !third || !fourth) throw new Error('five hospitals dealt');
  expect(fromBase64(delivery.parcel.sealed)).toHaveLength(98 + SEALED_SECRET_OVERHEAD);
  const { cohort } = third.dealt;
  const [dealer, root] = [cohort.members[1], all[1]?.dealt.shareRoot ?? ''];
  if (!dealer) throw new Error('five hospitals dealt');
  const open = parcelOpener(cohort, third.dealt.self, third.dealt.keys.encryption.secretKey);
  expect(open(dealer, root, delivery).selfSeed).toHaveLength(32);
  const elsewhere = parcelOpener(cohort, third.dealt.self, fourth.dealt.keys.encryption.secretKey);
  const badShare = expect.objectContaining({ code: 'BAD_SHARE', accused: 'h2' }) as Error;
  expect(() => elsewhere(dealer, root, delivery)).toThrow(badShare);
  const other = parcelOpener(cohort, fourth.dealt.self, fourth.dealt.keys.encryption.secretKey);
  // At another place than its own: no dealer signs that.
  expect(() => other(dealer, root, delivery)).toThrow(
    expect.objectContaining({ code: 'FORGED', accused: null }) as Error,
  );
});

it('a parcel whose plaintext is for another place or session is refused, although its digests fit', () => {
  const { all, delivered } = dealtRound();
  const [second, third] = [all[1]?.dealt, all[2]?.dealt];
  const delivery = delivered.get('h3')?.deliveries[1];
  if (!second || !third || !delivery) throw new Error('five hospitals dealt');
  const { cohort, self: recipient } = third;
  const dealer = second.self;
  const direction = { dealer: dealer.encryptionKey, recipient: recipient.encryptionKey };
  const key = shareKeys(cohort.sessionId, second.keys.encryption.secretKey)(recipient.encryptionKey, direction);
  const plaintext = openSecret(key, fromBase64(delivery.parcel.sealed));
  const open = parcelOpener(cohort, recipient, third.keys.encryption.secretKey);
  for (const change of [0, 32, 33]) {
    const moved = plaintext.with(change, (plaintext[change] ?? 0) ^ 1);
    for (const wrong of [moved, plaintext.subarray(0, 97), concatBytes(plaintext, Uint8Array.of(0))]) {
      const parcel = { ...delivery.parcel, sealed: toBase64(sealSecret(key, wrong)) };
      const leaves = cohort.members.map(({ x }) => (x === 3 ? parcel : { ...parcel, x }));
      const tree = parcelTree(leaves);
      const hostile = { ...delivery, parcel, proof: parcelProofs(tree)(2) };
      const refused = expect.objectContaining({ code: 'BAD_SHARE', accused: 'h2' }) as Error;
      expect(() => open(dealer, toHex(rootOf(tree)), hostile)).toThrow(refused);
    }
  }
});
