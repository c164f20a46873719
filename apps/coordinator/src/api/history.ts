/**
 * The past of a run out of its log: the same machine that leads the run says what each event changed, so what is shown can
 * never differ from what happened. Pure but for the reading; a log only grows, so each event is read once.
 */
import type { Digest, HospitalId } from '@consilium/protocol';
import {
  startCoordinator,
  stepCoordinator,
  type CoordinatorEvent,
  type CoordinatorState,
  type ReceivedUpdate,
  type RunRules,
  type Score,
} from '@consilium/rounds';
import type { RunStore, StoredEvent } from '@consilium/store';
import { NO_STAGES, stagesAfter, type StageTimes } from './stages.js';

export interface PastRound {
  readonly round: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly cohort: readonly HospitalId[];
  /** Those that were averaged. */
  readonly updates: readonly ReceivedUpdate[];
  readonly totalExamples: number;
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
}

export const emptyHistory = (rules: RunRules): History => ({
  ...{ state: startCoordinator(rules).state, events: 0, phaseSince: undefined, roundStartedAt: undefined, rounds: [] },
  stages: NO_STAGES,
});

/** @param rules - those of the run that the event belongs to. */
export function withEvent(rules: RunRules, past: History, { at, event }: Pick<StoredEvent, 'at' | 'event'>): History {
  const fact = JSON.parse(event) as CoordinatorEvent;
  const { state, effects } = stepCoordinator(rules, past.state, fact);
  const roundStartedAt = fact.type === 'plan-signed' ? at : past.roundStartedAt;
  const done = effects
    .filter((effect) => effect.type === 'publish-aggregate')
    .map(({ round, cohort, updates, totalExamples, newModel }): PastRound => ({
      ...{ round, cohort, updates, totalExamples, model: newModel },
      ...{ startedAt: roundStartedAt ?? at, endedAt: at },
    }));
  const begins = state.phase !== past.state.phase || fact.type === 'restarted' || fact.type === 'resume';
  return {
    state,
    events: past.events + 1,
    phaseSince: begins || past.phaseSince === undefined ? at : past.phaseSince,
    roundStartedAt,
    rounds: done.length === 0 ? past.rounds : [...past.rounds, ...done],
    stages: stagesAfter(past.stages, { before: past.state, after: state, event: fact, at }),
  };
}

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
