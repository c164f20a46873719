/**
 * Claims: (1) the mean is float64 arithmetic in hospital order, bit for bit, and not float32; (2) sorting by hospital id
 * makes the result independent of arrival; (3) only the ratios of the weights count; (4) the mean lies between the smallest
 * and the largest update; (5) a refused update leaves the mean bit for bit as it was; (6) a million coordinates are quick.
 * Oracle: NumPy and exact fractions (vectors/weighted-mean.json); plain float64 loops here, written per coordinate.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AggregationError, applyMean, WeightedMean } from './index.js';

interface Golden {
  readonly weights: number[];
  readonly updates: number[][];
  readonly mean: number[];
  readonly exactMean: number[];
  readonly meanInFloat32: number[];
  readonly global: number[];
  readonly next: number[];
}
const golden = JSON.parse(readFileSync(new URL('../vectors/weighted-mean.json', import.meta.url), 'utf8')) as Golden;

interface Contribution {
  readonly id: string;
  readonly update: Float32Array;
  readonly weight: number;
}

function meanOf(contributions: readonly Contribution[]): Float64Array {
  const mean = new WeightedMean(contributions[0]?.update.length ?? 1);
  for (const { update, weight } of contributions) mean.add(update, weight);
  return mean.result();
}

const byId = (a: Contribution, b: Contribution): number => (a.id < b.id ? -1 : 1);
const largest = (contributions: readonly Contribution[]): number =>
  Math.max(...contributions.flatMap(({ update }) => [...update].map(Math.abs)));

const dimension = 5;
const contributions = (maxWeight: number): fc.Arbitrary<Contribution[]> =>
  fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 4 }),
      update: fc.float32Array({
        minLength: dimension,
        maxLength: dimension,
        noNaN: true,
        noDefaultInfinity: true,
        min: -1e6,
        max: 1e6,
      }),
      weight: fc.integer({ min: 1, max: maxWeight }),
    }),
    { minLength: 1, maxLength: 12, selector: ({ id }) => id },
  );

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AggregationError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('WeightedMean', () => {
  it('agrees with NumPy bit for bit, and not with float32 accumulation', () => {
    const mean = new WeightedMean(golden.mean.length);
    golden.updates.forEach((update, h) => {
      mean.add(Float32Array.from(update), golden.weights[h] as number);
    });
    const result = mean.result();
    expect([...result]).toEqual(golden.mean);
    golden.exactMean.forEach((exact, k) => {
      expect(Math.abs((golden.mean[k] as number) - exact)).toBeLessThanOrEqual(1e-15 * Math.abs(exact));
    });
    expect(golden.mean.filter((value, k) => value !== golden.meanInFloat32[k]).length).toBeGreaterThan(4);
    expect([...applyMean(Float32Array.from(golden.global), result)]).toEqual(golden.next);
  });

  it('gives the same bits for every order of arrival, once sorted by hospital id', () => {
    const shuffled = contributions(100_000).chain((sorted) =>
      fc.tuple(fc.constant(sorted), fc.shuffledSubarray(sorted, { minLength: sorted.length })),
    );
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        expect(meanOf([...other].sort(byId))).toEqual(meanOf([...one].sort(byId)));
      }),
    );
  });

  it('depends on the ratios of the weights alone', () => {
    fc.assert(
      fc.property(contributions(10_000), fc.integer({ min: 2, max: 1_000_000 }), (list, factor) => {
        const scaled = meanOf(list.map((one) => ({ ...one, weight: one.weight * factor })));
        const tolerance = 1e-12 * largest(list);
        meanOf(list).forEach((value, k) => {
          expect(Math.abs(value - (scaled[k] as number))).toBeLessThanOrEqual(tolerance);
        });
      }),
    );
  });

  it('lies between the smallest and the largest update, coordinate by coordinate', () => {
    fc.assert(
      fc.property(contributions(100_000), (list) => {
        const tolerance = 1e-12 * largest(list);
        meanOf(list).forEach((value, k) => {
          const column = list.map(({ update }) => update[k] as number);
          expect(value).toBeGreaterThanOrEqual(Math.min(...column) - tolerance);
          expect(value).toBeLessThanOrEqual(Math.max(...column) + tolerance);
        });
      }),
    );
  });

  it('weighs by examples: nine examples of 1 and one of 0 give 0.9', () => {
    expect([
      ...meanOf([
        { id: 'a', update: Float32Array.of(1), weight: 9 },
        { id: 'b', update: Float32Array.of(0), weight: 1 },
      ]),
    ]).toEqual([0.9]);
  });

  it.each([
    ['BAD_WEIGHT', [1, 2, 3], 0],
    ['BAD_WEIGHT', [1, 2, 3], -5],
    ['BAD_WEIGHT', [1, 2, 3], 1.5],
    ['BAD_WEIGHT', [1, 2, 3], Number.NaN],
    ['BAD_WEIGHT', [1, 2, 3], Number.MAX_SAFE_INTEGER],
    ['WRONG_LENGTH', [1, 2], 3],
    ['WRONG_LENGTH', [1, 2, 3, 4], 3],
    ['NOT_FINITE', [1, 2, Number.NaN], 3],
    ['NOT_FINITE', [1, 2, Number.NEGATIVE_INFINITY], 3],
  ])('refuses %s and stays as it was: %j, weight %d', (code, values, weight) => {
    const [mean, before] = [new WeightedMean(3), new WeightedMean(3)];
    for (const each of [mean, before]) each.add(Float32Array.of(0.1, -0.2, 0.3), 7);
    expect(
      codeOf(() => {
        mean.add(Float32Array.from(values), weight);
      }),
    ).toBe(code);
    expect(mean.result()).toEqual(before.result());
    expect(mean.totalWeight).toBe(7);
  });

  it('is taken once, and nothing is added to what was taken', () => {
    const mean = new WeightedMean(1);
    mean.add(Float32Array.of(4), 2);
    const taken = mean.result();
    expect(() => mean.result()).toThrow(TypeError);
    expect(() => {
      mean.add(Float32Array.of(8), 2);
    }).toThrow(TypeError);
    expect([...taken]).toEqual([4]);
  });

  it('refuses to be the mean of nothing', () => {
    expect(codeOf(() => new WeightedMean(3).result())).toBe('EMPTY_MEAN');
    expect(() => new WeightedMean(0)).toThrow(RangeError);
  });

  it('cannot overflow: the largest floats with the largest weights stay finite', () => {
    const huge = Math.fround(3.4e38);
    const mean = meanOf([
      { id: 'a', update: Float32Array.of(huge, -huge), weight: 2 ** 52 },
      { id: 'b', update: Float32Array.of(huge, huge), weight: 2 ** 51 },
    ]);
    expect(mean[0]).toBeCloseTo(huge, -30);
    expect(mean.every(Number.isFinite)).toBe(true);
  });
});

describe('applyMean', () => {
  it('rounds once: what float32(mean) would lose before the addition is kept', () => {
    // 2^-24 is half a unit in the last place of 1: alone it ties to even and is lost, with a little more it is not.
    const mean = Float64Array.of(2 ** -24, 2 ** -24 + 2 ** -50);
    expect([...applyMean(Float32Array.of(1, 1), mean)]).toEqual([1, 1 + 2 ** -23]);
  });

  it('leaves its inputs alone and refuses what does not fit', () => {
    const global = Float32Array.of(1, 2);
    const mean = Float64Array.of(0.5, -0.5);
    expect([...applyMean(global, mean)]).toEqual([1.5, 1.5]);
    expect([...global, ...mean]).toEqual([1, 2, 0.5, -0.5]);
    expect(codeOf(() => applyMean(global, Float64Array.of(1)))).toBe('WRONG_LENGTH');
    expect(codeOf(() => applyMean(Float32Array.of(3.4e38), Float64Array.of(3.4e38)))).toBe('NOT_FINITE');
    expect(codeOf(() => applyMean(Float32Array.of(0), Float64Array.of(Number.NaN)))).toBe('NOT_FINITE');
  });
});
