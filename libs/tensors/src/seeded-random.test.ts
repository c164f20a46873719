/**
 * Claims: (1) the numbers are those of an independent program, for every way of drawing; (2) `uniform`, `integer` and
 * `normal` have the distribution that they name; (3) `shuffle` loses nothing and leaves its input alone; (4) seeds that
 * differ in one character share no stream.
 * Oracles: vectors/seeded_random.py; the chi-square and the exact moments below.
 *
 * The statistics run on fixed seeds, so they pass or fail for ever. For a generator that is right, a change of the seeds
 * would fail each with probability 3e-5 or less, all together 3e-4: 21 chi-squares with 255 degrees of freedom above
 * 363.6 (1e-5; normal approximation by Wilson and Hilferty), 6 means beyond 4.5 standard errors (7e-6), and two said below.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from './seeded-random.js';

interface Vector {
  readonly seed: string;
  readonly uint32: readonly number[];
  readonly number10000: number;
  readonly integersBelow3221225473: readonly number[];
  readonly shuffled: readonly number[];
  readonly normal: number;
}
const { vectors } = JSON.parse(readFileSync(new URL('../vectors/seeded-random.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

const draws = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);

describe.each(vectors)('seed $seed', ({ seed, uint32, number10000, integersBelow3221225473, shuffled, normal }) => {
  it('gives the 32-bit numbers of the vectors, the first and the 10,000th', () => {
    const random = new SeededRandom(seed);
    expect(draws(16, () => random.nextUint32())).toEqual(uint32);
    draws(9_983, () => random.nextUint32());
    expect(random.nextUint32()).toBe(number10000);
  });

  it('derives uniforms, integers, normals and orders from them', () => {
    const random = new SeededRandom(seed);
    expect(draws(16, () => random.uniform(-1, 3))).toEqual(uint32.map((x) => -1 + (x / 2 ** 32) * 4));
    // A quarter of the draws is above this bound's largest multiple and must be drawn again.
    const integers = new SeededRandom(seed);
    expect(draws(16, () => integers.integer(3_221_225_473))).toEqual(integersBelow3221225473);
    expect(new SeededRandom(seed).normal(10, 2)).toBe(10 + 2 * normal);
    expect(new SeededRandom(seed).shuffle(Array.from({ length: 20 }, (_, i) => i))).toEqual(shuffled);
  });
});

/** Sum of (observed - expected)^2 / expected over 256 equally likely cells. */
function chiSquare(cells: readonly number[]): number {
  const observed = new Array<number>(256).fill(0);
  for (const cell of cells) observed[cell] = (observed[cell] ?? 0) + 1;
  const expected = cells.length / 256;
  return observed.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe('the distributions', () => {
  const count = 51_200;

  it.each(['0', '1', '2', '3', '4'])('fills 256 cells evenly, in every byte of the word (seed %s)', (seed) => {
    const random = new SeededRandom(`uniformity/${seed}`);
    const words = draws(count, () => random.nextUint32());
    for (const shift of [0, 8, 16, 24]) {
      expect(chiSquare(words.map((word) => (word >>> shift) & 255))).toBeLessThan(363.6);
    }
  });

  it('integers of a bound that divides nothing are even', () => {
    const random = new SeededRandom('integers');
    // Bound 768 = 3 * 256, folded to 256 cells.
    const folded = draws(count, () => random.integer(768) % 256);
    expect(chiSquare(folded)).toBeLessThan(363.6);
    expect(Math.max(...draws(2_000, () => random.integer(3)))).toBe(2);
    expect(draws(100, () => random.integer(1))).toEqual(new Array(100).fill(0));
    expect(random.integer(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it.each([0.3, 2, 7])('normal numbers have mean -3 and standard deviation %d', (stdDev) => {
    const random = new SeededRandom(`normal/${stdDev}`);
    const values = draws(count, () => random.normal(-3, stdDev));
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const variance = values.reduce((sum, value) => sum + (value + 3) ** 2, 0) / count;
    expect(Math.abs(mean + 3)).toBeLessThan(4.5 * (stdDev / Math.sqrt(count)));
    // A sum of 12 uniforms has fourth moment 2.9, so its square has variance 1.9.
    expect(Math.abs(variance / stdDev ** 2 - 1)).toBeLessThan(4.5 * Math.sqrt(1.9 / count));
    expect(Math.max(...values.map((value) => Math.abs(value + 3)))).toBeLessThan(6 * stdDev);
  });
});

describe('shuffle', () => {
  it('keeps every item and does not touch its input', () => {
    const items = Object.freeze(Array.from({ length: 100 }, (_, i) => i));
    const shuffled = new SeededRandom('order').shuffle(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
    expect(new SeededRandom('order').shuffle([])).toEqual([]);
  });

  it('puts each item in each place equally often', () => {
    const random = new SeededRandom('places');
    const counts = new Array<number>(16).fill(0);
    const rounds = 16_000;
    for (let k = 0; k < rounds; k++) {
      random.shuffle([0, 1, 2, 3]).forEach((item, place) => {
        counts[4 * item + place] = (counts[4 * item + place] ?? 0) + 1;
      });
    }
    // Binomial(16,000, 1/4): 4.9 standard deviations for 16 cells, together 1.5e-5.
    for (const n of counts) expect(Math.abs(n - rounds / 4)).toBeLessThan(4.9 * Math.sqrt((rounds * 3) / 16));
  });
});

it('has another stream for another seed', () => {
  const firsts = new Set(draws(500, () => 0).map((_, i) => new SeededRandom(`seed/${i}`).nextUint32()));
  // 500 numbers out of 2^32 collide by chance with probability 3e-5.
  expect(firsts.size).toBe(500);
});
