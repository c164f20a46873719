/**
 * Claims: evidence of a round gives somebody who was not there the very witness of those who were, who dealt and did not send
 * included; evidence of other dealers, of another length, out of order, or of too few, gives none.
 * Oracle: the session of a hospital that took part. (What a lying coordinator can do with it: tests/attacks/secagg-evidence.)
 */
import { expect, it } from 'vitest';
import { closeAgreement } from './coordinator.js';
import { type Evidence, requireSigned, witnessOf } from './evidence.js';
import type { Aggregate, Forward, Masked, Opened } from './messages.js';
import { at, five, openSigned, signStatement } from './rehearsal.js';
import { verifyAggregate } from './verification.js';

const refusal = (code: string): Error => expect.objectContaining({ name: 'SecAggError', code }) as Error;

const [all, round] = five();
const roster = round.roster(round.adverts());
const delivered = round.deliver(all.map((actor) => round.share(actor, roster)));
const masked = all.slice(0, 4).map((actor) => {
  const { statement, vector } = round.mask(actor, delivered);
  round.sum.add(statement, vector);
  return { actor, statement };
});
const survivors = round.survivors();
const agrees = masked.map(({ actor }) => round.agree(actor, survivors));
const request = closeAgreement(round.surviving, agrees);
const { send: aggregate, keep } = round.open(masked.map(({ actor }) => round.unmask(actor, request)));

const signed = (change: Partial<Masked> = {}): Forward[] =>
  masked.map(({ actor, statement }) => ({
    x: actor.x,
    envelope: (signStatement('masked', { ...statement, ...change }, actor.identity) as Opened<Masked>).envelope,
  }));
const evidence: Evidence = { adverts: roster.adverts, vectors: signed(), agrees: request.agrees };
const witness = (changes: Partial<Evidence>, announced: Aggregate = aggregate) =>
  witnessOf(round.plan, announced, { ...evidence, ...changes }, openSigned);

it('gives the witness of those who were there', () => {
  const { cohort, dealt, survivors: own } = at(all, 1).unmasked;
  expect(witness({})).toEqual({ cohort, dealt, survivors: own });
  expect(verifyAggregate(witness({}), aggregate, keep.sum).hospitals).toBe(4);
});

it('gives none of other dealers than the vectors were masked for', () => {
  const withoutFive = { ...aggregate, recovered: aggregate.recovered.filter(({ x }) => x !== 5) };
  expect(() => witness({}, withoutFive)).toThrow(refusal('SPLIT_VIEW'));
  const withStranger = {
    ...aggregate,
    recovered: aggregate.recovered.map((own) => (own.x === 5 ? { ...own, x: 6 } : own)),
  };
  expect(() => witness({}, withStranger)).toThrow(refusal('SPLIT_VIEW'));
});

it('gives none of vectors of another length, of another session, or that come twice', () => {
  expect(() => witness({ vectors: signed({ words: 12 }) })).toThrow(refusal('SPLIT_VIEW'));
  expect(() => witness({ vectors: signed({ sessionId: 'ab'.repeat(32) }) })).toThrow(refusal('WRONG_CONTEXT'));
  const [first] = evidence.vectors as [Forward];
  expect(() => witness({ vectors: [first, ...evidence.vectors] })).toThrow(refusal('SPLIT_VIEW'));
  expect(() => witness({ vectors: [...evidence.vectors].reverse() })).toThrow(refusal('SPLIT_VIEW'));
});

it('shows one who was there that each vector is its hospital’s, and the one that it agreed to', () => {
  const own = at(all, 1).unmasked;
  const check = (vectors: readonly Forward[]) => () => {
    requireSigned(own, vectors, openSigned);
  };
  expect(check(evidence.vectors)).not.toThrow();
  expect(check(signed({ yRoot: 'ab'.repeat(32) }))).toThrow(refusal('SPLIT_VIEW'));
  expect(check(evidence.vectors.slice(1))).toThrow(refusal('SPLIT_VIEW'));
  const [first, second, ...others] = evidence.vectors as [Forward, Forward, ...Forward[]];
  expect(check([first, { x: second.x, envelope: first.envelope }, ...others])).toThrow(refusal('FORGED'));
});

it('gives none of fewer hospitals than the plan asks for', () => {
  expect(() => witness({ vectors: evidence.vectors.slice(1) })).toThrow(refusal('TOO_FEW'));
  expect(() => witness({ agrees: request.agrees.slice(1) })).toThrow(refusal('TOO_FEW'));
  expect(() => witness({ adverts: roster.adverts.slice(2) })).toThrow(refusal('TOO_FEW'));
});
