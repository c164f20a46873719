/**
 * Claims: what a run comes to is counted over all its rounds; what is not known or not visible is null and never 0; hospitals
 * that were away in a round have a gap there. Oracle: numbers small enough to count.
 */
import type { RoundDone } from '@consilium/operator-api';
import { describe, expect, it } from 'vitest';
import { differences } from './differences.js';
import { factsOf, globalCourse, hospitalCourses, median, suppressedIn } from './facts.js';

const figures = (value: number) => ({ examples: 10, loss: 1, accuracy: value, balancedAccuracy: value, auc: null });

function round(n: number, changes: Partial<RoundDone> = {}): RoundDone {
  return {
    ...{ round: n, startedAt: '2026-11-27T00:00:00.000Z', seconds: n, updates: [], missing: [], examples: 1, loss: 1 },
    ...{ bytes: 100, model: '', score: null, figures: { global: null, hospitals: null, suppressed: [] } },
    ...changes,
  };
}

describe('factsOf', () => {
  it('counts over all rounds', () => {
    const history = [
      round(1, { missing: ['a', 'b'] }),
      round(2, { missing: ['a'], score: { value: 0.7, hospitals: 2, examples: 20 } }),
      round(6),
    ];
    expect(factsOf({ history, bestRound: 2 })).toEqual({
      ...{ best: { round: 2, value: 0.7 }, dropouts: 3, medianSeconds: 2, bytes: 300 },
    });
  });

  it('knows nothing of a run without rounds', () => {
    expect(factsOf({ history: [], bestRound: null })).toEqual({
      ...{ best: null, dropouts: 0, medianSeconds: null, bytes: 0 },
    });
  });

  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[], null],
  ])('median of %j', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('courses', () => {
  const history = [
    round(1, { figures: { global: null, hospitals: null, suppressed: [] } }),
    round(2, {
      figures: {
        global: { hospitals: 2, ...figures(0.5) },
        hospitals: [{ hospital: 'b', ...figures(0.4) }],
        suppressed: ['c'],
      },
    }),
    round(3, {
      figures: {
        global: { hospitals: 2, ...figures(0.6) },
        hospitals: [
          { hospital: 'a', ...figures(0.7) },
          { hospital: 'b', ...figures(0.5) },
        ],
        suppressed: ['c'],
      },
    }),
  ];

  it('have a gap where a round was not evaluated', () => {
    expect(globalCourse(history, 'balancedAccuracy')).toEqual([null, 0.5, 0.6]);
    expect(globalCourse(history, 'auc')).toEqual([null, null, null]);
  });

  it('have a gap where a hospital was away', () => {
    expect(hospitalCourses(history, 'accuracy')).toEqual([
      { hospital: 'a', values: [null, null, 0.7] },
      { hospital: 'b', values: [null, 0.4, 0.5] },
    ]);
  });

  it('name once who is not shown', () => {
    expect(suppressedIn(history)).toEqual(['c']);
  });
});

describe('differences', () => {
  it('has every name once, in the order of the first', () => {
    const a = [
      ['mode', 'sealed'],
      ['rounds', '5'],
    ] as const;
    const b = [
      ['threshold', '3'],
      ['rounds', '5'],
      ['mode', 'secagg'],
    ] as const;
    expect(differences(a, b)).toEqual([
      { name: 'mode', a: 'sealed', b: 'secagg', same: false },
      { name: 'rounds', a: '5', b: '5', same: true },
      { name: 'threshold', a: undefined, b: '3', same: false },
    ]);
  });
});
