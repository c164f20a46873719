/**
 * Claims: (1) the best round is the one with the largest mean of the hospitals' values, weighted by their examples, the
 * earliest of equals, and none without scores; (2) a run no longer improves when `patienceRounds` evaluated rounds came after
 * the best, and never without patience; (3) neither depends on the order in which scores came.
 * Oracle: means computed by hand, beside each table.
 */
import { describe, expect, it } from 'vitest';
import type { HospitalId } from '@consilium/protocol';
import { bestRound, noLongerImproves } from './selection.js';
import type { CoordinatorState, RunRules, Score } from './state.js';

type Table = Readonly<Record<number, Readonly<Record<string, readonly [examples: number, value: number]>>>>;

const scoresOf = (table: Table): Pick<CoordinatorState, 'scores' | 'summedScores'> => ({
  summedScores: new Map(),
  scores: mapOf(table),
});
const mapOf = (table: Table): CoordinatorState['scores'] =>
  new Map(
    Object.entries(table).map(([round, ofRound]) => [
      Number(round),
      new Map<HospitalId, Score>(
        Object.entries(ofRound).map(([id, [examples, value]]) => [id as HospitalId, { examples, value }]),
      ),
    ]),
  );

const stops = (patienceRounds: number | undefined, table: Table): boolean =>
  noLongerImproves((patienceRounds === undefined ? {} : { patienceRounds }) as RunRules, scoresOf(table));

describe('the best round', () => {
  it('weighs hospitals by their examples', () => {
    // 1: (30 * 0.6 + 10 * 0.8) / 40 = 0.65; 2: (30 * 0.7 + 10 * 0.4) / 40 = 0.625, though its plain mean would be less by more.
    expect(bestRound(scoresOf({ 1: { a: [30, 0.6], b: [10, 0.8] }, 2: { a: [30, 0.7], b: [10, 0.4] } }))).toBe(1);
    // Plain means: 0.5 against 0.55; weighted: (90 * 0.9 + 10 * 0.1) / 100 = 0.82 against 0.55.
    expect(bestRound(scoresOf({ 1: { a: [90, 0.9], b: [10, 0.1] }, 2: { a: [90, 0.55], b: [10, 0.55] } }))).toBe(1);
  });

  it('is the earliest of equals, also where values are negative, and whoever was there', () => {
    expect(bestRound(scoresOf({ 3: { a: [5, -0.5] }, 2: { b: [7, -0.5] }, 4: { a: [5, -0.6] } }))).toBe(2);
  });

  it('is none where nothing was evaluated', () => {
    expect(bestRound({ scores: new Map(), summedScores: new Map() })).toBeUndefined();
  });

  it('does not depend on the order of arrival', () => {
    // 0.1 + 0.2 + 0.3 differs from 0.3 + 0.2 + 0.1 in float64.
    const forth = scoresOf({ 1: { a: [1, 0.1], b: [1, 0.2], c: [1, 0.3] } });
    const back = new Map([[2, new Map([...(forth.scores.get(1) ?? [])].reverse())], ...forth.scores]);
    expect(bestRound({ ...forth, scores: back })).toBe(1);
  });
});

describe('patience', () => {
  const falling = { 1: { a: [10, 0.8] }, 2: { a: [10, 0.7] }, 3: { a: [10, 0.6] } } as const;

  it('ends after so many evaluated rounds behind the best', () => {
    expect([1, 2, 3].map((patience) => stops(patience, falling))).toEqual([true, true, false]);
    expect(stops(2, { ...falling, 4: { a: [10, 0.9] } })).toBe(false);
  });

  it('counts evaluated rounds only', () => {
    expect(stops(2, { 1: { a: [10, 0.8] }, 7: { a: [10, 0.1] } })).toBe(false);
  });

  it('never ends a run that has none, or that was not evaluated', () => {
    expect(stops(undefined, falling)).toBe(false);
    expect(stops(1, {})).toBe(false);
  });
});
