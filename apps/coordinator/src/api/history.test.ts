/**
 * Claims: a log becomes the rounds that it led, with their times, updates and heads; what an event did not change is not
 * shown; going on from an earlier history gives the same as reading the whole log; the score is weighted by examples.
 * Oracle: a log and its outcome written by hand.
 */
import { describe, expect, it } from 'vitest';
import type { Digest, HospitalId } from '@consilium/protocol';
import type { CoordinatorEvent, RunRules } from '@consilium/rounds';
import type { StoredEvent } from '@consilium/store';
import { bestRoundOf, emptyHistory, federatedScore, readHistory } from './history.js';

const [A, B] = ['a', 'b'] as HospitalId[] as [HospitalId, HospitalId];
const digest = (n: number): Digest => String(n).repeat(64) as Digest;
const rules: RunRules = {
  roster: [A, B],
  ...{ rounds: 2, minHospitals: 1, gatherTimeoutMs: 1_000, roundTimeoutMs: 1_000, absenceGraceMs: 1_000 },
  initialModel: digest(0),
};
const update = (hospitalId: HospitalId, examples: number) => ({
  ...{ hospitalId, examples, blobDigest: digest(7), blobBytes: 100, loss: 0.5 },
});

const LOG: readonly CoordinatorEvent[] = [
  { type: 'connected', hospitalId: A },
  { type: 'connected', hospitalId: B },
  { type: 'consented', hospitalId: A },
  { type: 'consented', hospitalId: B },
  { type: 'plan-signed', round: 1, attempt: 1, planDigest: digest(1) },
  { type: 'update-accepted', planDigest: digest(1), update: update(B, 30) },
  // A second one of the same hospital changes nothing.
  { type: 'update-accepted', planDigest: digest(1), update: update(B, 99) },
  { type: 'declined', hospitalId: A, planDigest: digest(1) },
  { type: 'aggregated', planDigest: digest(1), model: digest(2), totalExamples: 30 },
  { type: 'evaluated', hospitalId: A, model: digest(2), score: { examples: 10, value: 0.5 } },
  { type: 'evaluated', hospitalId: B, model: digest(2), score: { examples: 30, value: 0.9 } },
  { type: 'plan-signed', round: 2, attempt: 1, planDigest: digest(3) },
];
const at = (seq: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seq)).toISOString();
const stored: readonly StoredEvent[] = LOG.map((event, seq) => ({ seq, at: at(seq), event: JSON.stringify(event) }));
const store = (upTo = stored.length) => ({
  // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous, an array is not
  events: async function* (_: string, fromSeq = 0) {
    yield* stored.slice(fromSeq, upTo);
  },
});

describe('readHistory', () => {
  it('shows the rounds, who is missing, and what is open', async () => {
    const history = await readHistory(store(), 'run', rules);
    expect(history.rounds).toEqual([
      {
        round: 1,
        ...{ startedAt: at(4), endedAt: at(8) },
        cohort: [A, B],
        updates: [update(B, 30)],
        ...{ exclusions: [], totalExamples: 30, loss: 0.5, model: digest(2) },
      },
    ]);
    expect(history).toMatchObject({ events: LOG.length, roundStartedAt: at(11), phaseSince: at(11) });
    expect(history.state).toMatchObject({ phase: 'collecting', round: 2, cohort: [A, B] });
    expect(bestRoundOf(rules, history.state)).toBe(1);
  });

  it.each(LOG.map((_, seq) => seq))('goes on after %i events as if it had read them all', async (seq) => {
    const early = await readHistory(store(seq), 'run', rules);
    expect(early.events).toBe(seq);
    expect(await readHistory(store(), 'run', rules, early)).toEqual(await readHistory(store(), 'run', rules));
  });

  it('knows nothing of an empty log', async () => {
    const history = await readHistory(store(0), 'run', rules);
    expect(history).toEqual(emptyHistory(rules));
    expect(bestRoundOf(rules, history.state)).toBeUndefined();
  });
});

describe('federatedScore', () => {
  it('weighs by examples', () => {
    const score = federatedScore(
      new Map([
        [A, { examples: 10, value: 0.5 }],
        [B, { examples: 30, value: 0.9 }],
      ]),
    );
    expect(score.examples).toBe(40);
    expect(score.value).toBeCloseTo(0.8, 12);
  });
});
