/**
 * Claims: (1) rounding is unbiased and moves a value by less than 1; (2) an encoded update decodes to itself up to the
 * bound of SPEC section 2, also at the ends of the ring: all hospitals at +C or -C in one coordinate, n = 200; (3) each bad
 * contribution is refused with its code, and the message holds no value; (4) a sum that no honest cohort has is refused;
 * (5) any one changed word is seen by the checksums; (6) weights are capped, or 1.
 * Oracle: float64 arithmetic and binomial statistics, not this module.
 */
import { keystreamWords, secretBytes } from '@consilium/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeChecksums } from './checksum.js';
import { type Contribution, decodeSum, encodeContribution, roundStochastically } from './encoding.js';
import { actors, checkedPlan, planOf } from './rehearsal.js';

const session = '5e'.repeat(32);
const cast = actors(3);
const plan = checkedPlan(planOf(cast, { parameters: 8, metrics: [{ name: 'loss', max: 50 }] }));
const good: Contribution = { update: new Float32Array(8).fill(1), examples: 10, metrics: [7] };
const refusal = (code: string): Error => expect.objectContaining({ name: 'SecAggError', code }) as Error;

function addAll(words: readonly Uint32Array[]): Int32Array {
  const sum = new Uint32Array(words[0]?.length ?? 0);
  for (const vector of words) vector.forEach((word, k) => (sum[k] = (sum[k] ?? 0) + word));
  return new Int32Array(sum.buffer);
}

describe('21. stochastic rounding', () => {
  it.each([0.3, -0.3, 0.5, 123_456.25, -7])('of %f keeps the expectation', (value) => {
    const count = 1_000_000;
    const u = keystreamWords(secretBytes(32), count);
    let sum = 0;
    for (const word of u) {
      const rounded = roundStochastically(value, word);
      if (Math.abs(rounded - value) >= 1) throw new Error('moved by 1 or more');
      sum += rounded - value;
    }
    const fraction = value - Math.floor(value);
    // 6.2 standard errors of a binomial: by chance less than once in 10^9 runs.
    expect(Math.abs(sum / count)).toBeLessThanOrEqual(6.2 * Math.sqrt((fraction * (1 - fraction)) / count));
  });

  it('takes other randomness for each vector and each coordinate', () => {
    const wide = checkedPlan(planOf(cast, { parameters: 4_096 }));
    const update = new Float32Array(4_096).fill(0.001);
    const [a, b] = [1, 2].map(() => encodeContribution(wide, session, { update, examples: 1, metrics: [] }));
    const ups = (words?: Uint32Array): number => new Set(words?.subarray(2, 4_098)).size;
    expect([ups(a), ups(b)]).toEqual([2, 2]);
    expect(a?.subarray(2, 4_098).some((word, k) => word !== b?.[k + 2])).toBe(true);
  });
});

describe('a contribution', () => {
  it('comes back within the rounding bound, alone and in sums', () => {
    const value = fc.float({ min: -1, max: 1, noNaN: true });
    const updates = fc.array(fc.array(value, { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(updates, fc.integer({ min: 1, max: 5_000 }), (vectors, examples) => {
        const parts = vectors.map((update, i) => ({
          update: Float32Array.from(update),
          examples: examples + i,
          metrics: [i],
        }));
        const sum = addAll(parts.map((part) => encodeContribution(plan, session, part)));
        const { mean, weight, metrics } = decodeSum(plan, session, sum, parts.length);
        const weights = parts.map((part) => Math.min(part.examples, 1_000));
        expect(weight).toBe(weights.reduce((a, b) => a + b));
        expect(metrics).toEqual([(parts.length * (parts.length - 1)) / 2]);
        const bound = (parts.length * 1_000 * 4 * (1 + 1e-6)) / (2 ** 23 - 2) / weight;
        mean.forEach((decoded, k) => {
          const exact = parts.reduce((all, part, i) => all + (weights[i] ?? 0) * (part.update[k] ?? 0), 0) / weight;
          expect(Math.abs(decoded - exact)).toBeLessThan(bound);
        });
      }),
    );
  });

  it.each([4, -4])('of norm C in one coordinate (%d) adds up for 200 hospitals without wrapping', (value) => {
    const largest = checkedPlan(planOf(actors(200), { parameters: 1, zMax: 10_737_418, weightCap: 10_737_418 }));
    const update = Float32Array.of(value);
    const words = Array.from({ length: 200 }, () =>
      encodeContribution(largest, session, { update, examples: 20_000_000, metrics: [] }),
    );
    const { mean, weight } = decodeSum(largest, session, addAll(words), 200);
    expect(mean[0]).toBeCloseTo(value, 5);
    expect(weight).toBe(200 * 10_737_418);
  });

  it('clipped by float32 arithmetic passes, whatever way its norm was rounded', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, min: -9, max: 9 }), { minLength: 8, maxLength: 8 }), (raw) => {
        const norm = Math.hypot(...raw);
        const update = Float32Array.from(raw, (v) => (norm > 4 ? (v * 4) / norm : v));
        encodeContribution(plan, session, { ...good, update });
      }),
    );
  });

  it('weighs 1 where weighting is uniform', () => {
    const uniform = checkedPlan(planOf(cast, { parameters: 8, weighting: 'uniform', weightCap: 1 }));
    const sum = addAll(
      [1, 900].map((examples) => encodeContribution(uniform, session, { ...good, examples, metrics: [] })),
    );
    expect(decodeSum(uniform, session, sum, 2).weight).toBe(2);
  });

  const bent = (index: number, value: number): Contribution => ({ ...good, update: good.update.with(index, value) });
  it.each<[string, Contribution, string]>([
    ['of another length', { ...good, update: new Float32Array(7) }, 'WRONG_LENGTH'],
    ['with NaN', bent(5, NaN), 'NOT_FINITE'],
    ['with an infinity', bent(5, -Infinity), 'NOT_FINITE'],
    ['above the norm', bent(5, 3.01), 'NOT_CLIPPED'],
    [
      'above the norm by 2 parts in a million',
      { ...good, update: new Float32Array(8).fill(Math.SQRT2 * (1 + 2e-6)) },
      'NOT_CLIPPED',
    ],
    ['of no examples', { ...good, examples: 0 }, 'BAD_COUNT'],
    ['of half an example', { ...good, examples: 0.5 }, 'BAD_COUNT'],
    ['of a negative number of examples', { ...good, examples: -3 }, 'BAD_COUNT'],
    ['without its metric', { ...good, metrics: [] }, 'BAD_COUNT'],
    ['with a metric above its bound', { ...good, metrics: [51] }, 'BAD_COUNT'],
    ['with a negative metric', { ...good, metrics: [-1] }, 'BAD_COUNT'],
    ['with a metric too many', { ...good, metrics: [1, 1] }, 'BAD_COUNT'],
  ])('is refused %s', (_, contribution, code) => {
    expect(() => encodeContribution(plan, session, contribution)).toThrow(refusal(code));
  });

  it('is refused with the index of a bad coordinate and no value of it', () => {
    expect(() => encodeContribution(plan, session, bent(5, NaN))).toThrow(/^coordinate 5 is not a finite number$/);
    expect(() => encodeContribution(plan, session, bent(5, 3.01))).toThrow(/^the update is longer than agreed$/);
  });

  it('takes the smallest numbers of float32', () => {
    const update = new Float32Array(8).fill(1.401298464324817e-45);
    const sum = addAll([encodeContribution(plan, session, { ...good, update })]);
    expect([...decodeSum(plan, session, sum, 1).mean].every((value) => value >= 0 && value < 1e-4)).toBe(true);
  });
});

describe('a sum', () => {
  const sumOf = (change: (words: Uint32Array) => void): Int32Array => {
    const words = [good, good, good].map((part) => encodeContribution(plan, session, part));
    const sum = new Uint32Array(addAll(words).buffer);
    change(sum);
    writeChecksums(session, sum); // what a malicious hospital or coordinator would do
    return new Int32Array(sum.buffer);
  };
  it.each<[string, (words: Uint32Array) => void]>([
    ['another count', (words) => (words[0] = 2)],
    ['a count of one hospital that counts double', (words) => (words[0] = 4)],
    ['less weight than hospitals', (words) => (words[1] = 2)],
    ['more weight than the cap allows', (words) => (words[1] = 3_001)],
    ['a negative weight', (words) => (words[1] = -5)],
    ['a metric above all bounds', (words) => (words[2] = 151)],
    ['a negative metric', (words) => (words[2] = -1)],
    ['half the ring added to a coordinate', (words) => (words[3] = (words[3] ?? 0) + 2 ** 31)],
    ['a coordinate beyond all zMax', (words) => (words[3] = 3 * (2 ** 23 - 1) + 1)],
    ['a mean longer than C', (words) => words.fill(100_000, 3, 11)],
  ])('is refused for %s, with checksums made anew', (_, change) => {
    expect(() => decodeSum(plan, session, sumOf(change), 3)).toThrow(refusal('SUM_OUT_OF_RANGE'));
  });

  it('is refused for a coordinate beyond all zMax that its norm alone would allow', () => {
    const edge = (excess: number): Int32Array =>
      sumOf((words) => {
        words.fill(0, 3, 11);
        [words[1], words[3]] = [3_000, 3 * (2 ** 23 - 1) + excess];
      });
    expect(decodeSum(plan, session, edge(0), 3).weight).toBe(3_000);
    expect(() => decodeSum(plan, session, edge(1), 3)).toThrow(refusal('SUM_OUT_OF_RANGE'));
  });

  it('is read if nothing was changed', () => {
    expect(
      decodeSum(
        plan,
        session,
        sumOf(() => undefined),
        3,
      ).weight,
    ).toBe(30);
  });

  it('with any one word changed by an odd amount does not match its checksums', () => {
    const sum = sumOf(() => undefined);
    for (let k = 0; k < sum.length; k++) {
      const altered = sum.with(k, (sum[k] ?? 0) + 1);
      expect(() => decodeSum(plan, session, altered, 3)).toThrow(refusal('SUM_CORRUPT'));
    }
    expect(() => decodeSum(plan, 'f0'.repeat(32), sum, 3)).toThrow(refusal('SUM_CORRUPT'));
    expect(() => decodeSum(plan, session, sum.subarray(1), 3)).toThrow(refusal('WRONG_LENGTH'));
  });
});
