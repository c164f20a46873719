/**
 * Claims: (1) thresholds and drop-outs are those of the design's table, and no smaller threshold holds against the attack
 * that the table is about; (2) each unsafe plan is refused, with the field that makes it unsafe and no other fault; (3) the
 * ring's limits are exact: the largest zMax for n passes and the next does not. Oracles: the table of privacy.md A.3; its
 * attack counted out here; 2^31 - 1 divided by hand.
 */
import { toHex } from '@consilium/bytes';
import { describe, expect, it } from 'vitest';
import { checkPlan, ringHolds, safeThreshold, type SecAggPlan } from './params.js';
import { actors, planOf } from './rehearsal.js';

const unsafe = expect.objectContaining({ name: 'SecAggError', code: 'PLAN_UNSAFE', accused: null }) as Error;

describe('the threshold', () => {
  it.each([
    [3, 0, 2, 1, 2],
    [3, 1, 3, 0, 2],
    [4, 1, 3, 1, 2],
    [5, 1, 4, 1, 3],
    [7, 2, 5, 2, 3],
    [10, 3, 7, 3, 4],
    [20, 6, 14, 6, 8],
    [50, 16, 34, 16, 18],
    [100, 33, 67, 33, 34],
    [200, 66, 134, 66, 68],
  ])('of n = %i, c = %i is %i: %i drop-outs, %i honest inputs', (n, c, t, drops, honest) => {
    expect(safeThreshold(n, c)).toBe(t);
    expect([n - t, t - c]).toEqual([drops, honest]);
  });

  it('is the least with which c corrupt hospitals cannot gather t shares of both secrets', () => {
    // Each honest hospital gives one of two shares; the corrupt ones give both.
    const breaks = (n: number, c: number, t: number): boolean => {
      for (let first = 0; first <= n - c; first++) if (c + first >= t && c + (n - c - first) >= t) return true;
      return false;
    };
    for (let n = 3; n <= 200; n++) {
      for (let c = 0; c <= n - 2; c++) {
        const t = safeThreshold(n, c);
        if (breaks(n, c, t) || !breaks(n, c, t - 1)) throw new Error(`n = ${n}, c = ${c}`);
      }
    }
  });
});

const cast = actors(5);
const checkedPlan = (body: SecAggPlan) => checkPlan({ body, digest: '00'.repeat(32) });
const roster = planOf(cast).roster;
const first = roster[0] as (typeof roster)[number];
const seven = Array.from({ length: 7 }, (_, i) => ({ name: `figure-${i}`, max: 1 }));

describe('a plan', () => {
  it('is accepted as it is, and at its limits', () => {
    expect(checkedPlan(planOf(cast)).words).toBe(2 + 20 + 4);
    expect(checkedPlan(planOf(cast, { metrics: [{ name: 'loss', max: 429_496_729 }] })).words).toBe(2 + 1 + 20 + 4);
    expect(checkedPlan(planOf(cast, { parameters: 2 ** 24 - 13, metrics: seven })).words).toBe(2 ** 24);
    expect(checkedPlan(planOf(cast, { minCohort: 5 })).floor).toBe(5);
    // t = 2, and yet no sum of two.
    expect(checkedPlan(planOf(actors(3), { tolerated: 0 })).floor).toBe(3);
    expect(checkedPlan(planOf(cast, { threshold: 5 })).floor).toBe(5);
    expect(checkedPlan(planOf(cast, { zMax: 429_496_729, weightCap: 429_496_729 })).clipNorm).toBe(4);
  });

  it.each<[string, Partial<SecAggPlan>]>([
    ['two hospitals', { roster: roster.slice(0, 2), threshold: 2, tolerated: 0 }],
    ['a threshold one below the safe one', { threshold: safeThreshold(5, 1) - 1 }],
    ['a threshold above the number of hospitals', { threshold: 6 }],
    ['a threshold that is no whole number', { threshold: 4.5 }],
    ['sums with one honest update alone', { tolerated: 4, threshold: 5 }],
    ['a negative number of corrupt hospitals', { tolerated: -1, threshold: 4 }],
    ['a smallest cohort above the roster', { minCohort: 6 }],
    ['two hospitals at one x', { roster: roster.map((entry) => ({ ...entry, x: Math.max(entry.x, 2) })) }],
    ['x = 0, which is the secret', { roster: roster.map((entry) => ({ ...entry, x: entry.x - 1 })) }],
    ['x = 201', { roster: roster.map((entry) => ({ ...entry, x: entry.x + 196 })) }],
    ['x that are not ascending', { roster: roster.toReversed() }],
    [
      'one hospital twice',
      { roster: roster.map((entry) => ({ ...entry, hospitalId: entry.x > 4 ? 'h1' : entry.hospitalId })) },
    ],
    [
      'one key twice: a Sybil',
      {
        roster: roster.map((entry) => ({ ...entry, identityKey: entry.x > 4 ? first.identityKey : entry.identityKey })),
      },
    ],
    [
      'an identity key of small order',
      { roster: [{ ...first, identityKey: toHex(Uint8Array.of(1, ...new Uint8Array(31))) }, ...roster.slice(1)] },
    ],
    ['a ring that could wrap', { zMax: 429_496_730 }],
    ['weights that could wrap', { weightCap: 429_496_730 }],
    ['a metric that could wrap', { metrics: [{ name: 'loss', max: 429_496_730 }] }],
    ['a metric twice', { metrics: [1, 2].map((max) => ({ name: 'loss', max })) }],
    ['a grid of no resolution', { zMax: 1_023 }],
    ['a vector that no statement could announce', { parameters: 2 ** 24 - 12, metrics: seven }],
    ['fewer than no parameters', { parameters: -1 }],
    ['a weight cap of zero', { weightCap: 0 }],
    ['uniform weighting with a cap that would scale it', { weighting: 'uniform' }],
    ['a clip norm of zero', { clipNorm: '0' }],
    ['a clip norm that is no number', { clipNorm: 'Infinity' }],
    ['a deadline before its time', { deadlineMs: 0 }],
  ])('is refused for %s', (_, changes) => {
    expect(() => checkedPlan(planOf(cast, changes))).toThrow(unsafe);
  });
});

it.each([
  [3, 715_827_882],
  [10, 214_748_364],
  [50, 42_949_672],
  [100, 21_474_836],
  [200, 10_737_418],
  [255, 8_421_504],
])('the ring holds %i hospitals up to %i each', (n, zMax) => {
  expect([ringHolds(n, zMax), ringHolds(n, zMax + 1)]).toEqual([true, false]);
});
