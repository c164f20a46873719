/**
 * Claims: what must happen when keys, rosters or whole statements are forged, copied or replayed. Numbers are those of privacy.md G; this library's own are in attacks-keys, attacks-shares and attacks-sums; 1 is
 * in libs/crypto keystream.test.ts, 2 in masks.test.ts, 5 and 14 in round.test.ts, 18 to 21 in params.test.ts and
 * encoding.test.ts, 24 in verification.test.ts; 9 is libs/crypto's and libs/protocol's; 25 to 30 are of other libraries.
 * Oracle: the table's third column. Every attack is made on a round that succeeds without it.
 */
import { toHex } from '@consilium/bytes';
import { secretBytes } from '@consilium/crypto';
import { describe, expect, it } from 'vitest';
import * as coordinator from './coordinator.js';
import * as hospital from './hospital.js';
import type * as message from './messages.js';
import { actors, at, dealtRound, five, openSigned, policy, Rehearsal, signStatement } from './rehearsal.js';

const refusal = (code: string, accused: string | null = null): Error =>
  expect.objectContaining({ name: 'SecAggError', code, accused }) as Error;

describe('6. key substitution', () => {
  it.each(['maskKey', 'encryptionKey', 'seedCommit'] as const)('of %s is refused by everybody, and named', (field) => {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const victim = at(all, 3).advertised.advert;
    const forger = at(all, 5).identity; // or the coordinator: any key but the victim's
    const forged = signStatement('advert', { ...victim, [field]: toHex(secretBytes(32)) }, forger);
    const adverts = roster.adverts.map((entry) => (entry.x === 3 ? { x: 3, envelope: forged.envelope } : entry));
    for (const actor of all) {
      expect(() => round.share(actor, { ...roster, adverts })).toThrow(refusal('FORGED', 'h3'));
    }
  });

  it('by an enrolled hospital that signs in the name of another is refused', () => {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const posing = signStatement('advert', { ...at(all, 5).advertised.advert, from: 'h3' }, at(all, 5).identity);
    const adverts = roster.adverts
      .slice(0, 4)
      .map((entry) => (entry.x === 3 ? { x: 5, envelope: posing.envelope } : entry));
    expect(() => round.share(at(all, 1), { ...roster, adverts })).toThrow(refusal('WRONG_CONTEXT'));
  });

  it('of one’s own advert, signed by a stolen key, is seen by its owner', () => {
    const [all, round] = five();
    const adverts = round.adverts();
    const stolen = { ...at(all, 3).advertised.advert, nonce: '00'.repeat(16) };
    const roster = round.roster(adverts.with(2, signStatement('advert', stolen, at(all, 3).identity)));
    expect(() => round.share(at(all, 3), roster)).toThrow(refusal('SPLIT_VIEW'));
    const absent = { ...roster, adverts: roster.adverts.filter(({ x }) => x !== 3) };
    expect(() => round.share(at(all, 3), absent)).toThrow(refusal('SPLIT_VIEW'));
  });
});

describe('7. Sybils', () => {
  it('that the plan does not name are refused on both sides', () => {
    const [all, round] = five();
    const adverts = round.adverts();
    const stranger = signStatement(
      'advert',
      { ...(adverts[0] as (typeof adverts)[0]).body, from: 'h9' },
      at(all, 1).identity,
    );
    expect(() => round.roster([...adverts, stranger])).toThrow(refusal('WRONG_CONTEXT'));
    const roster = round.roster(adverts);
    const extended = { ...roster, adverts: [...roster.adverts, { x: 9, envelope: stranger.envelope }] };
    expect(() => round.share(at(all, 1), extended)).toThrow(refusal('BAD_ADVERT'));
  });

  it.each([
    ['another’s mask key', (own: message.Advert, other: message.Advert) => ({ ...own, maskKey: other.maskKey })],
    [
      'another’s key in the other place',
      (own: message.Advert, other: message.Advert) => ({ ...own, encryptionKey: other.maskKey }),
    ],
    ['one key for both uses', (own: message.Advert) => ({ ...own, encryptionKey: own.maskKey })],
  ])('with %s are refused on both sides, and named', (_, copy) => {
    const [all, round] = five();
    const adverts = round.adverts();
    const roster = round.roster(adverts);
    const bodies = adverts.map(({ body }) => body) as [message.Advert, message.Advert];
    const copied = signStatement('advert', copy(bodies[1], bodies[0]), at(all, 2).identity);
    expect(() => round.roster(adverts.with(1, copied))).toThrow(refusal('BAD_ADVERT', 'h2'));
    const mixed = roster.adverts.with(1, { x: 2, envelope: copied.envelope });
    expect(() => round.share(at(all, 3), { ...roster, adverts: mixed })).toThrow(refusal('BAD_ADVERT', 'h2'));
  });

  it('cannot be one hospital twice', () => {
    const [all, round] = five();
    const roster = round.roster(round.adverts());
    const doubled = { ...roster, adverts: [...roster.adverts, ...roster.adverts.slice(1, 2)] };
    expect(() => round.share(at(all, 1), doubled)).toThrow(refusal('BAD_ADVERT', 'h2'));
  });
});

describe('8. low-order keys', () => {
  it.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['order 8, the other', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    ['p - 1', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
  ])('%s are refused before any derivation, well signed or not', (_, key) => {
    for (const field of ['maskKey', 'encryptionKey'] as const) {
      const [all, round] = five();
      const adverts = round.adverts();
      const roster = round.roster(adverts);
      const low = signStatement('advert', { ...at(all, 4).advertised.advert, [field]: key }, at(all, 4).identity);
      expect(() => round.roster(adverts.with(3, low))).toThrow(refusal('BAD_ADVERT', 'h4'));
      const mixed = roster.adverts.with(3, { x: 4, envelope: low.envelope });
      expect(() => round.share(at(all, 1), { ...roster, adverts: mixed })).toThrow(refusal('BAD_ADVERT', 'h4'));
    }
  });
});

describe('10. replays', () => {
  it('of an earlier attempt are refused on both sides and change nothing', () => {
    const all = actors(5);
    const first = new Rehearsal(all, { tolerated: 1 });
    const roster1 = first.roster(first.adverts());
    const shares1 = all.map((actor) => first.share(actor, roster1));
    const delivered1 = first.deliver(shares1);
    const masked1 = all.map((actor) => first.mask(actor, delivered1));
    for (const { statement, vector } of masked1) first.sum.add(statement, vector);
    const survivors1 = first.survivors();
    const agree1 = first.agree(at(all, 1), survivors1);
    for (const actor of all.slice(1)) actor.record = { ...actor.record };

    const second = new Rehearsal(all, { tolerated: 1, attempt: 2 });
    const adverts2 = second.adverts();
    expect(() => second.share(at(all, 1), roster1)).toThrow(refusal('WRONG_CONTEXT'));
    const roster2 = second.roster(adverts2);
    const shares2 = all.map((actor) => second.share(actor, roster2));
    const [opened, parcels] = shares1[0] as (typeof shares1)[0];
    expect(() => coordinator.acceptShares(second.cohort, opened, parcels)).toThrow(refusal('WRONG_CONTEXT'));
    const delivered2 = second.deliver(shares2);
    expect(() => second.mask(at(all, 1), delivered1)).toThrow(refusal('WRONG_CONTEXT'));
    const { statement, vector } = masked1[0] as (typeof masked1)[0];
    expect(() => {
      second.sum.add(statement, vector);
    }).toThrow(refusal('WRONG_CONTEXT'));
    expect(second.sum.words.every((word) => word === 0)).toBe(true);
    for (const actor of all) {
      const sent = second.mask(actor, delivered2);
      second.sum.add(sent.statement, sent.vector);
    }
    expect(() => second.agree(at(all, 1), survivors1)).toThrow(refusal('WRONG_CONTEXT'));
    const survivors2 = second.survivors();
    expect(() => coordinator.closeAgreement(second.surviving, [agree1])).toThrow(refusal('WRONG_CONTEXT'));
    const agrees2 = all.map((actor) => second.agree(actor, survivors2));
    const request = coordinator.closeAgreement(second.surviving, agrees2);
    const replayed = { ...request, agrees: request.agrees.with(0, { x: 1, envelope: agree1.envelope }) };
    expect(() => second.unmask(at(all, 2), replayed)).toThrow(refusal('WRONG_CONTEXT'));
    const unmasks = all.map((actor) => second.unmask(actor, request));
    const stale = { ...(unmasks[0] as message.Unmask), sessionId: first.cohort.sessionId };
    expect(() => second.open([stale, ...unmasks.slice(1)])).toThrow(refusal('WRONG_CONTEXT'));
    expect(second.open(unmasks).keep.decoded.hospitals).toBe(5);
  });

  it('of a vector within a session count once', () => {
    const { all, round, delivered } = dealtRound();
    const { statement, vector } = round.mask(at(all, 1), delivered);
    round.sum.add(statement, vector);
    const before = round.sum.words.slice();
    expect(() => {
      round.sum.add(statement, vector);
    }).toThrow(refusal('ALREADY_SAID'));
    expect(round.sum.words).toEqual(before);
    for (const actor of all.slice(1, 4)) {
      const sent = round.mask(actor, delivered);
      round.sum.add(sent.statement, sent.vector);
    }
    round.survivors();
    const late = round.mask(at(all, 5), delivered);
    expect(() => {
      round.sum.add(late.statement, late.vector);
    }).toThrow(refusal('WRONG_CONTEXT'));
  });
});

it('11. a round that was opened is not opened again with one hospital fewer, also after a restart', () => {
  const [all, round] = five();
  round.lead();
  const again = new Rehearsal(all.slice(0, 4), { tolerated: 1, attempt: 2, threshold: 4 });
  for (const actor of all.slice(0, 4)) {
    const restored = JSON.parse(JSON.stringify(actor.record)) as typeof actor.record;
    expect(() => hospital.advertise(restored, again.plan, actor.id, policy, 1_800_000_000_000)).toThrow(
      refusal('RETRY_REFUSED'),
    );
  }
});

it('23. two models in one round make no common session', () => {
  const all = actors(4);
  const a = new Rehearsal(all, { tolerated: 1 });
  const b = new Rehearsal(all, { tolerated: 1, model: '99'.repeat(32) });
  const [ofA, ofB] = [a.adverts(all.slice(0, 2)), b.adverts(all.slice(2))];
  expect(() => a.roster([...ofA, ...ofB])).toThrow(refusal('WRONG_CONTEXT'));
  const roster = { ...(ofA[0] as (typeof ofA)[0]).body, from: 'coordinator' };
  const adverts = [...ofA, ...ofB].map(({ envelope }, i) => ({ x: i + 1, envelope }));
  for (const actor of all) {
    const header = { ...roster, planDigest: actor.advertised.advert.planDigest };
    const forged = { ...header, adverts } as unknown as message.Roster;
    expect(() => hospital.shareSecrets(actor.record, actor.advertised, forged, openSigned)).toThrow(
      refusal('WRONG_CONTEXT'),
    );
  }
});
