/**
 * Claims, of what the coordinator takes from a hospital that signs it: (1) shares that are not for each member once, in order,
 * are refused with the dealer's name, although the signed root is theirs; (2) shares that are right but under another's x are
 * refused with the sender's name; (3) nobody outside a set has a say in it; (4) of more agreements than t, t are
 * forwarded; (5) a cohort is formed alike in whatever order adverts come.
 * Oracle: SPEC section 5, messages 3, 7, 8 and 9.
 */
import { createHash } from 'node:crypto';
import { fromHex, lengthPrefixed, toHex } from '@consilium/bytes';
import { describe, expect, it } from 'vitest';
import { checkAdvert, formCohort, sessionHeader } from './cohort.js';
import { acceptShares, acceptUnmask, checkAgree, closeAgreement } from './coordinator.js';
import { dealtSetDigest } from './digests.js';
import { rootOf } from './merkle.js';
import type { Parcel, RevealedShare } from './messages.js';
import { at, five } from './rehearsal.js';
import { parcelTree } from './shares.js';

const refusal = (code: string, accused?: string): Error =>
  expect.objectContaining({ name: 'SecAggError', code, ...(accused && { accused }) }) as Error;

describe('shares', () => {
  const first = ([head, ...rest]: readonly Parcel[], change: (parcel: Parcel) => Parcel): Parcel[] => [
    change(head as Parcel),
    ...rest,
  ];
  it.each<[string, (parcels: readonly Parcel[]) => readonly Parcel[]]>([
    ['without one member', (parcels) => parcels.slice(0, 4)],
    ['with one parcel more', (parcels) => [...parcels, parcels[4] as Parcel]],
    ['in another order', (parcels) => parcels.toReversed()],
    ['with the first for somebody else', (parcels) => first(parcels, (parcel) => ({ ...parcel, x: 9 }))],
  ])('%s are refused, although they are signed so', (_, bend) => {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const [opened, parcels] = round.share(at(all, 2), roster);
    const bent = bend(parcels);
    const signed = (list: readonly Parcel[]) => ({
      ...opened,
      body: { ...opened.body, shareRoot: toHex(rootOf(parcelTree(list))) },
    });
    expect(() => acceptShares(round.cohort, signed(bent), bent)).toThrow(refusal('BAD_SHARE', 'h2'));
    expect(acceptShares(round.cohort, signed(parcels), parcels).dealer.x).toBe(2);
  });
});

describe('after the vectors', () => {
  const [all, round] = five();
  const { request } = round.toRequest({ masked: [5] });

  it('shares of each other under the other’s x are refused, with who sent them', () => {
    const reply = round.unmask(at(all, 1), request);
    const [one, two, ...rest] = reply.selfSeeds as [RevealedShare, RevealedShare, ...RevealedShare[]];
    const bent = [
      [{ ...one, x: two.x }, { ...two, x: one.x }, ...rest],
      [{ ...one, x: 9 }, two, ...rest],
      [one, two],
    ];
    for (const selfSeeds of bent) {
      expect(() => acceptUnmask(round.surviving, { ...reply, selfSeeds })).toThrow(refusal('BAD_SHARE', 'h1'));
    }
    expect(acceptUnmask(round.surviving, reply).from.x).toBe(1);
  });

  it('who sent none has no say, nor has anybody else', () => {
    const { survivorsDigest } = round.surviving;
    const body = { ...sessionHeader(round.cohort, 'h2'), survivorsDigest };
    for (const from of ['h5', 'h6', 'coordinator']) {
      expect(() => checkAgree(round.surviving, { ...body, from })).toThrow(refusal('WRONG_CONTEXT'));
    }
    expect(checkAgree(round.surviving, body).x).toBe(2);
  });
});

it('of five agreements the four of lowest x are forwarded where t is four', () => {
  const [all, round] = five();
  round.toSum();
  const survivors = round.survivors();
  const agrees = all.map((actor) => round.agree(actor, survivors)).toReversed();
  expect(closeAgreement(round.surviving, agrees).agrees.map(({ x }) => x)).toEqual([1, 2, 3, 4]);
});

it('the cohort and its session do not depend on the order in which adverts come', () => {
  const [all, round] = five();
  const adverts = round.adverts();
  const [cohort, reversed] = [adverts, adverts.toReversed()].map((list) => formCohort(round.plan, list));
  expect(reversed).toEqual(cohort);
  expect(cohort?.members.map(({ x }) => x)).toEqual(all.map(({ x }) => x));
  const { body } = adverts[0] as (typeof adverts)[number];
  expect(() => checkAdvert(round.plan, { ...body, encryptionKey: body.maskKey })).toThrow(refusal('BAD_ADVERT', 'h1'));
});

it('the digest of the dealers is that of SPEC message 5', () => {
  const session = '5e'.repeat(32);
  const bytes = lengthPrefixed('consilium/secagg/v1/dealt-set', fromHex(session), Uint8Array.of(1, 2, 4));
  expect(dealtSetDigest(session, [{ x: 1 }, { x: 2 }, { x: 4 }])).toBe(
    createHash('sha256').update(bytes).digest('hex'),
  );
});
