/** What must hold after a seed, read from the store's bytes and from what passed the network; each violation is a sentence. */
import { isDeepStrictEqual } from 'node:util';
import type { NodeOutcome } from '@consilium/hospital';
import type { Digest, HospitalId, RunConfig } from '@consilium/protocol';
import {
  startCoordinator,
  stepCoordinator,
  type CoordinatorEvent,
  type CoordinatorState,
  type RunRules,
} from '@consilium/rounds';
import type { MemoryDatabase } from '../../support/memory-store.js';
import { digestOf, expectedRounds, type ExpectedRound } from './oracle.js';

export interface History {
  readonly config: RunConfig;
  readonly initial: Float32Array;
  readonly database: MemoryDatabase;
  /** Commits that were answered with a yes. */
  readonly acknowledged: readonly { readonly hospitalId: HospitalId; readonly blobDigest: Digest }[];
  readonly consents: ReadonlySet<HospitalId>;
  /** By hospital, round and attempt: the different blobs that it offered. */
  readonly offered: ReadonlyMap<string, ReadonlySet<Digest>>;
  /** By hospital and round. */
  readonly trainings: ReadonlyMap<string, number>;
  readonly kept: ReadonlyMap<number, Float32Array>;
  readonly outcomes: ReadonlyMap<HospitalId, NodeOutcome>;
  /** When the coordinator or its store did nothing, in milliseconds since the store's epoch. */
  readonly stillnesses: readonly { readonly fromMs: number; readonly untilMs: number }[];
  /** From the store's epoch until then calls of the store may fail, and are tried again. */
  readonly storeFailsUntilMs: number;
  /** Of the coordinators' clocks: milliseconds of one in one of the world's. */
  readonly slowestClock: number;
}

export const rulesOf = ({ roster, stragglers, selection, secagg, ...config }: RunConfig): RunRules => ({
  ...config,
  roster: roster.map(({ hospitalId }) => hospitalId),
  ...(secagg && { secagg: { tolerated: secagg.tolerated, stageTimeoutMs: secagg.stageTimeoutMs } }),
  ...(stragglers === null ? {} : { quorum: { hospitals: stragglers.quorum, afterMs: stragglers.afterMs } }),
  ...(selection.patienceRounds === 0 ? {} : { patienceRounds: selection.patienceRounds }),
});

export const eventsOf = ({ database, config }: Pick<History, 'database' | 'config'>): CoordinatorEvent[] =>
  (database.runs.get(config.runId)?.events ?? []).map(({ event }) => JSON.parse(event) as CoordinatorEvent);

/** The state after so many events of the log. */
export function folded(config: RunConfig, events: readonly CoordinatorEvent[]): CoordinatorState {
  const rules = rulesOf(config);
  let { state } = startCoordinator(rules);
  for (const event of events) ({ state } = stepCoordinator(rules, state, event));
  return state;
}

export function violationsOf(history: History): string[] {
  const { config, initial } = history;
  const events = eventsOf(history);
  const { rounds, contradictions } = expectedRounds(config, initial, events);
  return [
    ...contradictions,
    ...statementsOf(history, rounds),
    ...acknowledgementsOf(history, events),
    ...hospitalsOf(history, rounds),
    ...endOf(history, rounds, folded(config, events)),
    ...deadlinesOf(history),
  ];
}

/** The signed aggregates say what the log says, and the snapshots hold it. */
function statementsOf(history: History, rounds: readonly ExpectedRound[]): string[] {
  const { kept } = history;
  const expected = rounds.map(({ round, planDigest, updates, model }) => ({
    ...{ round, planDigest },
    model: digestOf(model),
    updates: updates.map(({ hospitalId, blobDigest }) => ({ hospitalId, blobDigest })),
  }));
  const actual = signed(history, 'aggregate').map(({ round, planDigest, model, updates }) => ({
    round,
    planDigest,
    model,
    updates,
  }));
  const same = isDeepStrictEqual(actual, expected);
  return [
    ...(same ? [] : ['the signed aggregates are not those of the log']),
    ...[...kept]
      .filter(([round, model]) => digestOf(model) !== digestOf(rounds[round - 1]?.model ?? new Float32Array()))
      .map(([round]) => `the snapshot of round ${round} is another head`),
  ];
}

function acknowledgementsOf({ acknowledged, consents }: History, events: readonly CoordinatorEvent[]): string[] {
  const accepted = new Set(
    events.filter((event) => event.type === 'update-accepted').map(({ update }) => update.blobDigest),
  );
  const consented = new Set(events.flatMap((event) => (event.type === 'consented' ? [event.hospitalId] : [])));
  const hasEnded = events.at(-1) !== undefined;
  return [
    ...acknowledged
      .filter(({ blobDigest }) => !accepted.has(blobDigest))
      .map(({ hospitalId }) => `an acknowledged update of ${hospitalId} is lost`),
    ...[...consents]
      .filter((id) => hasEnded && !consented.has(id))
      .map((id) => `an acknowledged consent of ${id} is lost`),
  ];
}

/** What hospitals did and sent, and the head that each ended with. */
function hospitalsOf(history: History, rounds: readonly ExpectedRound[]): string[] {
  const { offered, trainings, outcomes, config } = history;
  const best = signed(history, 'run-end')[0]?.['best'] as { readonly round: number } | null | undefined;
  const stopsEarly = config.selection.patienceRounds > 0;
  const final = stopsEarly && best ? rounds[best.round - 1]?.model : rounds.at(-1)?.model;
  const violations: string[] = [];
  for (const [place, blobs] of offered)
    if (blobs.size > 1) violations.push(`${place}: two different updates were sent`);
  for (const [place, times] of trainings)
    if (times > 1) violations.push(`${place}: trained ${times} times on one plan`);
  for (const { hospitalId } of config.roster) {
    const outcome = outcomes.get(hospitalId);
    if (outcome === undefined) violations.push(`${hospitalId} never learnt of the end`);
    else if (outcome.ended === 'refused-here') violations.push(`${hospitalId} left: ${outcome.code} ${outcome.detail}`);
    else if (outcome.ended === 'refused-there') violations.push(`${hospitalId} was turned away: ${outcome.error.code}`);
    else if (outcome.ended === 'stopped') violations.push(`${hospitalId} was stopped by nobody`);
    else if (headOf(outcome.model) !== headOf(final)) violations.push(`${hospitalId} ends with another head`);
  }
  return violations;
}

export const headOf = (model: Float32Array | undefined): string => (model === undefined ? 'none' : digestOf(model));

/** The run is over, says why, and leaves nothing that should be gone. */
function endOf(history: History, rounds: readonly ExpectedRound[], state: CoordinatorState): string[] {
  const stored = history.database.runs.get(history.config.runId);
  if (stored === undefined) return ['there is no run'];
  if (state.phase !== 'ended') return [`the run never ended: it is ${state.phase}`];
  const ends = signed(history, 'run-end');
  const [end] = ends;
  const best = end?.['best'] as { readonly round: number; readonly model: string } | null | undefined;
  const isBest = best == null || headOf(rounds[best.round - 1]?.model) === best.model;
  const says =
    end?.['outcome'] === state.outcome && end['reason'] === state.reason && end['rounds'] === rounds.length && isBest;
  return [
    ...(ends.length === 1 && says ? [] : ['the signed end of the run is not that of its log']),
    // No history of these takes anything from the store that was in it.
    ...(state.reason === 'COORDINATOR_FAILED' ? ['the coordinator gave up'] : []),
    ...(stored.ended ? [] : ['the store does not know that the run is over']),
    ...(stored.secrets.size === 0 ? [] : ['the key of a round is still in the store']),
    ...([...stored.blobs.keys()].some((name) => name.startsWith('update/')) ? ['sealed updates are left behind'] : []),
  ];
}

/** Work of the coordinator itself, for which there is no timer: a few dozen calls of the store. */
const WORK_MS = 2_500;
/** One write: what ends a phase is noted when it is in the log. */
const WRITE_MS = 500;
/** Tries that fail are further and further apart. */
const RETRIES_MS = 4_000;

/** No phase outlasts its timers, counted from its beginning, or from the last process that took it up. */
export function deadlinesOf(history: History): string[] {
  const { config, database, slowestClock, storeFailsUntilMs } = history;
  const rules = rulesOf(config);
  const violations: string[] = [];
  let { state } = startCoordinator(rules);
  let sinceMs = Number.NaN;
  for (const { event: text, at } of database.runs.get(config.runId)?.events ?? []) {
    const event = JSON.parse(text) as CoordinatorEvent;
    const atMs = Date.parse(at);
    const timerMs = limitOf(state, rules);
    const slackMs = (timerMs === 0 ? WORK_MS : WRITE_MS) + (sinceMs < storeFailsUntilMs ? RETRIES_MS : 0);
    const limitMs = timerMs / slowestClock + slackMs + stillBetween(history, sinceMs, atMs);
    const lastedMs = atMs - sinceMs;
    if (event.type !== 'restarted' && lastedMs > limitMs) {
      violations.push(`${state.phase} lasted ${Math.round(lastedMs)} ms, longer than ${Math.round(limitMs)} ms`);
    }
    const { state: next } = stepCoordinator(rules, state, event);
    const isSecondPeriod = next.phase === 'gathering' && state.phase === 'gathering' && next.overdue !== state.overdue;
    const begins =
      next.phase !== state.phase || isSecondPeriod || event.type === 'restarted' || event.type === 'resume';
    if (begins || Number.isNaN(sinceMs)) sinceMs = atMs;
    state = next;
  }
  return violations;
}

/** What was asked for in a stillness is done after it. */
const stillBetween = ({ stillnesses }: History, fromMs: number, untilMs: number): number =>
  stillnesses
    .map((still) => Math.min(untilMs, still.untilMs) - Math.max(fromMs, still.fromMs))
    .reduce((sum, sharedMs) => sum + Math.max(0, sharedMs), 0);

function limitOf(state: CoordinatorState, rules: RunRules): number {
  switch (state.phase) {
    case 'gathering':
      return state.paused ? Number.POSITIVE_INFINITY : rules.gatherTimeoutMs;
    case 'collecting':
    case 'advertising':
    case 'closing':
      return rules.roundTimeoutMs;
    case 'sharing':
    case 'masking':
    case 'agreeing':
    case 'unmasking':
      return rules.secagg?.stageTimeoutMs ?? 0;
    case 'planning':
    case 'opening':
    case 'aggregating':
    case 'ended':
      return 0;
  }
}

/** The bodies of the stored statements of a kind, in order. */
export function signed({ database, config }: History, kind: string): Record<string, unknown>[] {
  return [...(database.runs.get(config.runId)?.documents.values() ?? [])]
    .filter((document) => document.kind === kind)
    .map(({ body }) => {
      const { payload } = JSON.parse(body) as { payload: string };
      return JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as Record<string, unknown>;
    });
}
