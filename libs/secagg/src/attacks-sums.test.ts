/**
 * Claims: what must happen when vectors are altered, and that they say nothing alone. Numbers are those of privacy.md G; this library's own are in attacks-keys, attacks-shares and attacks-sums; 1 is
 * in libs/crypto keystream.test.ts, 2 in masks.test.ts, 5 and 14 in round.test.ts, 18 to 21 in params.test.ts and
 * encoding.test.ts, 24 in verification.test.ts; 9 is libs/crypto's and libs/protocol's; 25 to 30 are of other libraries.
 * Oracle: the table's third column. Every attack is made on a round that succeeds without it.
 */
import { addKeystreams } from '@consilium/crypto';
import { describe, expect, it } from 'vitest';
import { writeChecksums } from './checksum.js';
import { vectorRoot, wordBytes } from './digests.js';
import { encodeContribution } from './encoding.js';
import { ownMasks } from './masks.js';
import {
  type Actor,
  actors,
  at,
  dealtRound,
  type Delivered,
  finish,
  Rehearsal,
  sampleContribution,
} from './rehearsal.js';

const refusal = (code: string, accused: string | null = null): Error =>
  expect.objectContaining({ name: 'SecAggError', code, accused }) as Error;

/** What a hospital that knows the protocol and keeps to nothing may send instead of its vector. */
function maskAnything(round: Rehearsal, actor: Actor, delivered: Delivered, change: (raw: Uint32Array) => void) {
  const { cohort, self, keys } = actor.dealt;
  const vector = encodeContribution(round.plan, cohort.sessionId, round.contributionOf(actor));
  change(vector);
  writeChecksums(cohort.sessionId, vector);
  addKeystreams(vector, ownMasks(cohort, round.dealt.dealt, self, keys));
  const { statement } = round.mask(actor, delivered);
  return { statement: { ...statement, yRoot: vectorRoot(vector) }, vector };
}

describe('17. bit flips', () => {
  it('in any word on the way are refused, and the sum stays as it was', () => {
    const { all, round, delivered } = dealtRound();
    const { statement, vector } = round.mask(at(all, 1), delivered);
    const wrong = [
      ...Array.from(vector, (word, k) => vector.with(k, word ^ 0x8000_0000)),
      vector.subarray(1),
      new Uint32Array([...vector, 0]),
    ];
    for (const bytes of wrong) {
      expect(() => {
        round.sum.add(statement, bytes);
      }).toThrow(refusal('BAD_UPLOAD'));
    }
    expect(round.sum.words.every((word) => word === 0)).toBe(true);
    const elsewhere = { ...statement, u2Digest: '00'.repeat(32) };
    expect(() => {
      round.sum.add(elsewhere, vector);
    }).toThrow(refusal('SPLIT_VIEW', 'h1'));
  });

  it('or a vector that its hospital signed at another length, is refused', () => {
    const { all, round, delivered } = dealtRound();
    const { statement, vector } = round.mask(at(all, 1), delivered);
    for (const other of [vector.slice(1), new Uint32Array([...vector, 0])]) {
      const yRoot = vectorRoot(other);
      for (const words of [vector.length, other.length]) {
        expect(() => {
          round.sum.add({ ...statement, words, yRoot }, other);
        }).toThrow(refusal('BAD_UPLOAD'));
      }
    }
    expect(() => {
      round.sum.add({ ...statement, words: vector.length + 1 }, vector);
    }).toThrow(refusal('BAD_UPLOAD'));
    round.sum.add(statement, vector);
    expect([...round.sum.words]).toEqual([...vector]);
  });

  it('that a hospital signs itself end the round', () => {
    const { all, round, delivered } = dealtRound();
    for (const actor of all) {
      const { statement, vector } = round.mask(actor, delivered);
      if (actor.x === 2) vector[7] = (vector[7] ?? 0) ^ 1;
      const signed = { ...statement, yRoot: vectorRoot(vector) };
      if (actor.x === 2) actor.masked = { ...actor.masked, yRoot: signed.yRoot };
      round.sum.add(signed, vector);
    }
    expect(() => finish(round, all)).toThrow(refusal('SUM_CORRUPT'));
  });
});

describe('19. ring attacks', () => {
  it.each<[string, (raw: Uint32Array) => void]>([
    ['half the ring in one coordinate', (raw) => (raw[5] = (raw[5] ?? 0) + 2 ** 31)],
    ['a count of two', (raw) => (raw[0] = 2)],
    ['no count', (raw) => (raw[0] = 0)],
    ['a weight above the cap of all', (raw) => (raw[1] = 5_001)],
    ['a negative weight', (raw) => (raw[1] = -2_000)],
    ['a coordinate of five hospitals', (raw) => (raw[5] = 5 * (2 ** 23 - 1) + 2 ** 20)],
  ])('with %s, well masked and with its checksums, ends without a model', (_, change) => {
    const { all, round, delivered } = dealtRound();
    for (const actor of all) {
      const sent = actor.x === 2 ? maskAnything(round, actor, delivered, change) : round.mask(actor, delivered);
      if (actor.x === 2) actor.masked = { ...actor.masked, yRoot: sent.statement.yRoot };
      round.sum.add(sent.statement, sent.vector);
    }
    expect(() => finish(round, all)).toThrow(refusal('SUM_OUT_OF_RANGE'));
  });

  it('within the cap is a poisoned weight that nobody can see: what SPEC 9 and the README say', () => {
    const { all, round, delivered } = dealtRound();
    for (const actor of all) {
      const change = (raw: Uint32Array): void => void (raw[1] = 1_000);
      const sent = actor.x === 2 ? maskAnything(round, actor, delivered, change) : round.mask(actor, delivered);
      if (actor.x === 2) actor.masked = { ...actor.masked, yRoot: sent.statement.yRoot };
      round.sum.add(sent.statement, sent.vector);
    }
    expect(finish(round, all).keep.decoded.weight).toBe(101 + 1_000 + 103 + 104 + 105);
  });
});

it('22. nothing that a hospital sends holds its count, metrics or coordinates', () => {
  const all = actors(4);
  const changes = { weightCap: 1_000_000, metrics: [{ name: 'loss', max: 9_999_999 }], parameters: 64 };
  const round = new Rehearsal(all, changes, ({ x }) => ({
    ...sampleContribution(x, 64),
    examples: 700_000 + x,
    metrics: [8_123_456 + x],
  }));
  const sent: { x: number; text: string; bytes: Buffer }[] = [];
  const roster = round.roster(round.adverts());
  const shares = all.map((actor) => round.share(actor, roster));
  const delivered = round.deliver(shares);
  for (const actor of all) {
    const { statement, vector } = round.mask(actor, delivered);
    round.sum.add(statement, vector);
    const text = JSON.stringify([actor.advertised.advert, shares[actor.x - 1], statement]);
    sent.push({ x: actor.x, text, bytes: Buffer.concat([Buffer.from(text), wordBytes(vector)]) });
  }
  finish(round, all);
  for (const { x, text, bytes } of sent) {
    const { update, examples, metrics } = round.contributionOf(at(all, x));
    for (const number of [examples, metrics[0] ?? 0]) {
      expect(text).not.toContain(String(number));
      const [asInt, asDouble] = [Buffer.alloc(4), Buffer.alloc(8)];
      asInt.writeInt32LE(number);
      asDouble.writeDoubleLE(number);
      expect([bytes.includes(asInt), bytes.includes(asDouble)]).toEqual([false, false]);
    }
    const raw = encodeContribution(round.plan, round.cohort.sessionId, round.contributionOf(at(all, x)));
    // 70 words against 70 of 2^32: a chance hit in fewer than one of 10^5 runs.
    const words = new Set(round.vectors.get(x));
    expect(raw.some((word) => words.has(word))).toBe(false);
    expect(bytes.includes(Buffer.from(update.buffer, 4, 8))).toBe(false);
  }
});
