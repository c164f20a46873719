/**
 * Claims: (1) median, trimmed mean and multi-Krum are those of their definitions, with scores, shares and who is left out;
 * (2) the order of the updates and the size of the blocks change no aggregate; (3) below its floor a rule is refused, also
 * when the norm bound has taken updates away; (4) f updates, whatever they are, move the aggregate no further than the others
 * reach, where they carry a weighted mean away; (5) no more values are held than allowed; (6) every exclusion has its
 * statistic, its bound and a reason, and what is malformed is refused by number.
 * Oracles: vectors/robust.py (NumPy, SciPy, the papers); for the attacks, the range of the honest values.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AggregationError, fewestUpdates, robustMean, type RobustRule, type StoredUpdates } from './index.js';

interface Vector {
  readonly count: number;
  readonly faulty: number;
  readonly updates: readonly (readonly number[])[];
  readonly median: readonly number[];
  readonly trimmedMean?: { readonly mean: readonly number[]; readonly shares: readonly number[] };
  readonly multiKrum?: {
    readonly mean: readonly number[];
    readonly scores: readonly number[];
    readonly kept: readonly number[];
  };
}
const vectors = JSON.parse(
  readFileSync(new URL('../vectors/robust.json', import.meta.url), 'utf8'),
) as readonly Vector[];

const stored = (updates: readonly Float32Array[]): StoredUpdates => ({
  count: updates.length,
  parameters: updates[0]?.length ?? 0,
  readBlock: (update, from, to) => Promise.resolve((updates[update] as Float32Array).slice(from, to)),
});
const rows = (updates: readonly (readonly number[])[]): Float32Array[] => updates.map((row) => Float32Array.from(row));

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, k) => {
    expect(Math.abs((actual[k] as number) - value)).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(value)));
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AggregationError) return error.code;
    if (error instanceof RangeError) return 'RangeError';
    throw error;
  }
  return 'accepted';
}

describe('the known answers', () => {
  it.each(vectors)(
    'of NumPy for $count updates, $faulty of them faulty: median',
    async ({ updates, faulty, median }) => {
      const { mean, used, exclusions } = await robustMean({ rule: 'median', faulty }, stored(rows(updates)));
      expectClose(mean, median);
      expect([used.length, exclusions]).toEqual([updates.length, []]);
    },
  );

  const trimmable = vectors.filter(({ trimmedMean }) => trimmedMean);
  it.each(trimmable)('of SciPy for $count updates, $faulty of them faulty: trimmed mean', async (vector) => {
    const rule = { rule: 'trimmed-mean', faulty: vector.faulty } as const;
    const { mean, observations } = await robustMean(rule, stored(rows(vector.updates)));
    expectClose(mean, vector.trimmedMean?.mean ?? []);
    expectClose(
      observations.map(({ value }) => value),
      vector.trimmedMean?.shares ?? [],
    );
    expect(observations.every(({ update, statistic }, i) => update === i && statistic === 'trimmed-share')).toBe(true);
  });

  const krummable = vectors.filter(({ multiKrum }) => multiKrum);
  it.each(krummable)('of the paper for $count updates, $faulty of them faulty: multi-Krum', async (vector) => {
    const rule = { rule: 'multi-krum', faulty: vector.faulty } as const;
    const { mean, used, observations, exclusions } = await robustMean(rule, stored(rows(vector.updates)));
    const { scores, kept } = vector.multiKrum as NonNullable<Vector['multiKrum']>;
    expectClose(mean, vector.multiKrum?.mean ?? []);
    expectClose(
      observations.map(({ value }) => value),
      scores,
    );
    expect(used).toEqual(kept);
    const left = scores.map((_, update) => update).filter((update) => !kept.includes(update));
    expect(exclusions.map(({ update }) => update)).toEqual(left);
    const bound = Math.max(...kept.map((update) => scores[update] as number));
    for (const exclusion of exclusions) {
      expect(exclusion.statistic).toBe('krum-score');
      expect(exclusion.value).toBeCloseTo(scores[exclusion.update] as number, 12);
      expect(exclusion.bound).toBeCloseTo(bound, 12);
      expect(exclusion.reason).toMatch(/closest/);
    }
  });

  it('there are some of each', () => {
    expect([vectors.length, trimmable.length, krummable.length]).toEqual([8, 6, 5]);
  });
});

const RULES = ['median', 'trimmed-mean', 'multi-krum'] as const;
const value = fc.float({ min: -10, max: 10, noNaN: true });
const cases = fc
  .record({ rule: fc.constantFrom(...RULES), faulty: fc.integer({ min: 1, max: 2 }), more: fc.nat({ max: 4 }) })
  .chain(({ rule, faulty, more }) => {
    const count = fewestUpdates({ rule, faulty }) + more;
    const row = fc.array(value, { minLength: 5, maxLength: 5 });
    return fc.record({
      rule: fc.constant<RobustRule>({ rule, faulty }),
      updates: fc.array(row, { minLength: count, maxLength: count }),
      order: fc.shuffledSubarray(
        Array.from({ length: count }, (_, i) => i),
        { minLength: count, maxLength: count },
      ),
    });
  });

describe('for any updates', () => {
  it('their order changes no bit of a coordinate rule, and no more than rounding of multi-Krum', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rule, updates, order }) => {
        const straight = await robustMean(rule, stored(rows(updates)));
        const mixed = await robustMean(rule, stored(rows(order.map((i) => updates[i] as readonly number[]))));
        if (rule.rule !== 'multi-krum') {
          expect(mixed.mean).toEqual(straight.mean);
          return;
        }
        const sorted = ({ observations }: typeof mixed): number[] =>
          observations.map((seen) => seen.value).sort((a, b) => a - b);
        expect(sorted(mixed)).toEqual(sorted(straight));
        const scores = sorted(straight);
        const keep = straight.used.length;
        if (scores[keep - 1] === scores[keep]) return; // a tie goes to the lower number, which is then another one
        expect(mixed.used.map((i) => order[i] as number).sort((a, b) => a - b)).toEqual(straight.used);
        expectClose(mixed.mean, [...straight.mean]);
      }),
      { seed: 2018 },
    );
  });

  it('the size of the blocks changes no aggregate', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 40 }), async ({ rule, updates }, heldValues) => {
        const [whole, cut] = [await robustMean(rule, stored(rows(updates))), { heldValues }];
        const blockwise = await robustMean(rule, stored(rows(updates)), cut);
        if (rule.rule === 'multi-krum' && blockwise.used.join() !== whole.used.join()) return; // scores tie but for rounding
        expect(blockwise.mean).toEqual(whole.mean);
      }),
      { seed: 2018 },
    );
  });

  it('f of them move no coordinate beyond what the others have', async () => {
    const hostile = fc.oneof(fc.constantFrom(3e38, -3e38, 1e20, 0), value);
    await fc.assert(
      fc.asyncProperty(cases, fc.array(hostile, { minLength: 5, maxLength: 5 }), async ({ rule, updates }, attack) => {
        const all = rows(updates);
        all.splice(0, rule.faulty, ...Array.from({ length: rule.faulty }, () => Float32Array.from(attack)));
        const honest = all.slice(rule.faulty);
        const { mean } = await robustMean(rule, stored(all));
        // Krum keeps an attack that sits among the others; far away, f of them are too few to be close to enough.
        if (rule.rule === 'multi-krum' && attack.every((coordinate) => Math.abs(coordinate) < 1e3)) return;
        mean.forEach((coordinate, k) => {
          const column = honest.map((update) => update[k] as number);
          expect(coordinate).toBeGreaterThanOrEqual(Math.min(...column) - 1e-9);
          expect(coordinate).toBeLessThanOrEqual(Math.max(...column) + 1e-9);
        });
      }),
      { seed: 2018 },
    );
  });
});

const FLOORS: readonly (readonly [RobustRule['rule'], number, number])[] = [
  ['median', 1, 3],
  ['median', 2, 5],
  ['trimmed-mean', 1, 5],
  ['trimmed-mean', 3, 7],
  ['multi-krum', 1, 5],
  ['multi-krum', 2, 7],
];

describe('floors', () => {
  it.each(FLOORS)('%s against %i takes %i updates, and no fewer', async (rule, faulty, fewest) => {
    expect(fewestUpdates({ rule, faulty })).toBe(fewest);
    const some = (count: number): StoredUpdates => stored(rows(Array.from({ length: count }, (_, i) => [i, 1])));
    expect(await codeOf(robustMean({ rule, faulty }, some(fewest)))).toBe('accepted');
    expect(await codeOf(robustMean({ rule, faulty }, some(fewest - 1)))).toBe('TOO_FEW_UPDATES');
  });

  it('hold for what the norm bound leaves', async () => {
    const updates = stored(rows([[1], [2], [3], [4]]));
    const rule = { rule: 'median', faulty: 1 } as const;
    expect(await codeOf(robustMean(rule, updates, { maxNorm: 3 }))).toBe('accepted');
    expect(await codeOf(robustMean(rule, updates, { maxNorm: 2.5 }))).toBe('TOO_FEW_UPDATES');
  });

  it.each([0, -1, 0.5, Number.NaN])('f = %d is no rule', async (faulty) => {
    expect(await codeOf(robustMean({ rule: 'median', faulty }, stored(rows([[1], [2], [3]]))))).toBe('RangeError');
  });
});

describe('the norm bound', () => {
  it('excludes what is longer, with its norm, and the rule goes on with the others', async () => {
    const updates = rows([
      [3, 4],
      [300, 400],
      [0, 5],
      [4, 3],
    ]);
    const { mean, used, exclusions } = await robustMean({ rule: 'median', faulty: 1 }, stored(updates), { maxNorm: 5 });
    expect([[...mean], used]).toEqual([
      [3, 4],
      [0, 2, 3],
    ]);
    const reason = 'longer than the plan allows';
    expect(exclusions).toEqual([{ update: 1, statistic: 'l2-norm', value: 500, bound: 5, reason }]);
  });

  it('and multi-Krum number updates as the caller does', async () => {
    const updates = rows([[99], [1], [1.1], [-50], [1.2], [0.9], [1.05]]);
    const limits = { maxNorm: 60 };
    const { used, exclusions } = await robustMean({ rule: 'multi-krum', faulty: 1 }, stored(updates), limits);
    expect(used).toEqual([1, 2, 6]);
    expect(exclusions.map(({ update, statistic }) => [update, statistic])).toEqual([
      [0, 'l2-norm'],
      [3, 'krum-score'],
      [4, 'krum-score'],
      [5, 'krum-score'],
    ]);
  });

  it.each([0, -1, Number.NaN])('%d is none', async (maxNorm) => {
    const updates = stored(rows([[1], [2], [3]]));
    expect(await codeOf(robustMean({ rule: 'median', faulty: 1 }, updates, { maxNorm }))).toBe('RangeError');
  });
});

describe('reading', () => {
  it.each(RULES)('for %s holds no more than allowed', async (rule) => {
    const [count, parameters, heldValues] = [7, 1_000, 70];
    let [largest, reads] = [0, 0];
    const updates: StoredUpdates = {
      ...{ count, parameters },
      readBlock: (update, from, to) => {
        largest = Math.max(largest, to - from);
        reads += 1;
        return Promise.resolve(Float32Array.from({ length: to - from }, (_, k) => Math.sin(update + from + k)));
      },
    };
    await robustMean({ rule, faulty: 2 }, updates, { heldValues });
    expect(largest * (rule === 'multi-krum' ? 3 : count)).toBeLessThanOrEqual(heldValues);
    expect(reads).toBeGreaterThanOrEqual((count * parameters * count) / heldValues);
  });

  it('refuses a block of another length, and what is not finite, with the number of the update', async () => {
    const rule = { rule: 'median', faulty: 1 } as const;
    const short: StoredUpdates = { count: 3, parameters: 4, readBlock: () => Promise.resolve(new Float32Array(3)) };
    expect(await codeOf(robustMean(rule, short))).toBe('WRONG_LENGTH');
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      const updates = stored(rows([[1, 1], [2, 2], [3, bad]])); // prettier-ignore
      await expect(robustMean(rule, updates)).rejects.toMatchObject({
        code: 'NOT_FINITE',
        message: 'coordinate 1 of update 2 is not a finite number',
      });
    }
  });

  it('passes on why a block could not be read', async () => {
    const gone = new Error('the blob is gone');
    const updates: StoredUpdates = { count: 3, parameters: 1, readBlock: () => Promise.reject(gone) };
    await expect(robustMean({ rule: 'median', faulty: 1 }, updates)).rejects.toBe(gone);
  });
});
