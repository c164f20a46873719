/**
 * The past of a run out of its log: the same machine that leads the run says what each event changed, so what is shown can
 * never differ from what happened. Pure but for the reading; a log only grows, so each event is read once.
 */
import type { Digest, ExcludedUpdate, HospitalId } from '@consilium/protocol';
import {
  startCoordinator,
  stepCoordinator,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  type RunRules,
  type Score,
  type SummedFigures,
} from '@consilium/rounds';
import type { RunStore, StoredEvent } from '@consilium/store';
import { NO_STAGES, stagesAfter, type StageTimes } from './stages.js';

export interface PastRound {
  readonly round: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly cohort: readonly HospitalId[];
  /** Those that were averaged; null where the trust mode shows nobody's own figures. */
  readonly updates: readonly {
    readonly hospitalId: HospitalId;
    readonly blobBytes: number;
    readonly examples: number | null;
    readonly loss: number | null;
  }[];
  /** Received, and left out by a robust rule. */
  readonly exclusions: readonly ExcludedUpdate[];
  readonly totalExamples: number;
  /** Mean training loss, nats: by examples, or of the hospitals where only their sum is known. */
  readonly loss: number;
  readonly model: Digest;
}

export interface History {
  readonly state: CoordinatorState;
  readonly events: number;
  /** When the present phase began, or was begun again: ISO 8601. undefined before the first event. */
  readonly phaseSince: string | undefined;
  /** When the open round's plan was signed. */
  readonly roundStartedAt: string | undefined;
  readonly rounds: readonly PastRound[];
  readonly stages: StageTimes;
  /** How often a hospital left: with one of these its refusal may have come. */
  readonly partings: number;
  /** What all held-out parts together say of the head that a round ended with; mode secagg. */
  readonly summed: ReadonlyMap<number, SummedFigures>;
}

export const emptyHistory = (rules: RunRules): History => ({
  ...{ state: startCoordinator(rules).state, events: 0, phaseSince: undefined, roundStartedAt: undefined, rounds: [] },
  ...{ stages: NO_STAGES, partings: 0, summed: new Map() },
});

/** @param rules - those of the run that the event belongs to. */
export function withEvent(rules: RunRules, past: History, { at, event }: Pick<StoredEvent, 'at' | 'event'>): History {
  const fact = JSON.parse(event) as CoordinatorEvent;
  const { state, effects } = stepCoordinator(rules, past.state, fact);
  const roundStartedAt = fact.type === 'plan-signed' ? at : past.roundStartedAt;
  const done = effects.flatMap((effect): PastRound[] => {
    const times = { startedAt: roundStartedAt ?? at, endedAt: at };
    if (effect.type === 'publish-aggregate') {
      const { round, cohort, updates, exclusions, totalExamples, newModel: model } = effect;
      const loss = updates.reduce((sum, update) => sum + update.examples * update.loss, 0) / totalExamples;
      return [{ round, cohort, updates, exclusions, totalExamples, loss, model, ...times }];
    }
    // The last sum of a secure run has no head of its own.
    if (effect.type !== 'publish-sum' || effect.secure?.lastly !== undefined) return [];
    const { round, cohort, sum, newModel: model } = effect;
    const { totalWeight: totalExamples, loss } = sum;
    return [{ round, cohort, updates: inSum(past.state), exclusions: [], totalExamples, loss, model, ...times }];
  });
  const sums = effects.filter((effect) => effect.type === 'publish-sum');
  const begins = state.phase !== past.state.phase || fact.type === 'restarted' || fact.type === 'resume';
  return {
    state,
    events: past.events + 1,
    phaseSince: begins || past.phaseSince === undefined ? at : past.phaseSince,
    roundStartedAt,
    rounds: done.length === 0 ? past.rounds : [...past.rounds, ...done],
    summed: sums.reduce(withFigures, past.summed),
    partings: past.partings + (fact.type === 'disconnected' ? 1 : 0),
    stages: stagesAfter(past.stages, { before: past.state, after: state, event: fact, at }),
  };
}

/** The figures that come with a sum are of the head that its round started from. */
function withFigures(
  summed: History['summed'],
  { round, sum: { figures } }: Extract<CoordinatorEffect, { type: 'publish-sum' }>,
): History['summed'] {
  return figures === null || round === 1 ? summed : new Map(summed).set(round - 1, figures);
}

/** Whose vector is in the sum that is being opened. */
const inSum = (state: CoordinatorState): PastRound['updates'] =>
  state.phase !== 'opening'
    ? []
    : [...state.said.masking]
        .map(([hospitalId, { blob }]) => ({ hospitalId, blobBytes: blob?.bytes ?? 0, examples: null, loss: null }))
        .sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1));

/** Goes on from `past` to the end of the log. */
export async function readHistory(
  store: Pick<RunStore, 'events'>,
  runId: string,
  rules: RunRules,
  past = emptyHistory(rules),
): Promise<History> {
  let history = past;
  for await (const stored of store.events(runId, past.events)) history = withEvent(rules, history, stored);
  return history;
}

/** The round whose head hospitals like best so far: what the machine would say if the run ended now. */
export function bestRoundOf(rules: RunRules, state: CoordinatorState): number | undefined {
  const ended = stepCoordinator(rules, state, { type: 'stop' }).state;
  return ended.phase === 'ended' ? ended.bestRound : undefined;
}

/** Mean of the hospitals' values, weighted by their examples. */
export function federatedScore(scores: ReadonlyMap<HospitalId, Score>): Score {
  const all = [...scores.values()];
  const examples = all.reduce((sum, score) => sum + score.examples, 0);
  return { examples, value: all.reduce((sum, score) => sum + score.examples * score.value, 0) / examples };
}
