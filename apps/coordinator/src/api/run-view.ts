/** A run as the API shows it: its signed configuration and its history in the words of {@link runDetail}. */
import type { RoundDone, RunDetail, RunSummary } from '@consilium/operator-api';
import type { Opened, RunConfig } from '@consilium/protocol';
import { speakers, type CoordinatorState } from '@consilium/rounds';
import { rulesOf } from '../run/rules.js';
import { shownFigures, summedFigures, type FiguresByRound } from './figures.js';
import type { Refusals } from './refusals.js';
import { bestRoundOf, federatedScore, type History, type PastRound } from './history.js';
import { visibleIn } from './secure-view.js';
import { timelineOf } from './timeline.js';

export interface KnownRun {
  readonly config: Opened<'run-config'>;
  readonly createdAt: string;
  readonly history: History;
  /** A code: why it is not led here though it has not ended. */
  readonly failure: string | undefined;
  /** Of the mode sealed. */
  readonly figures: FiguresByRound;
  readonly refusals: Refusals;
}

export function summaryOf({
  config: { body },
  createdAt,
  history: { state },
  failure,
}: Omit<KnownRun, 'figures' | 'refusals'>): RunSummary {
  return {
    run: body.runId,
    study: body.study.name,
    mode: body.mode,
    status: failure === undefined ? statusOf(state) : 'failed',
    ...(failure !== undefined && { failure }),
    phase: state.phase,
    round: state.phase === 'ended' ? state.rounds : state.round,
    rounds: body.rounds,
    bestRound: bestRoundOf(rulesOf(body), state) ?? null,
    hospitals: body.roster.length,
    createdAt,
  };
}

/** A run whose log, or even whose configuration, the store cannot give back. */
export function unreadable(
  { runId, createdAt }: { readonly runId: string; readonly createdAt: string },
  config: RunConfig | undefined,
  failure: string,
): RunSummary {
  return {
    ...{ run: runId, createdAt, status: 'failed', failure, phase: 'unknown', round: 0, bestRound: null },
    study: config?.study.name ?? 'unknown',
    mode: config?.mode ?? 'unknown',
    rounds: config?.rounds ?? 0,
    hospitals: config?.roster.length ?? 0,
  };
}

/** @param nowMs - since 1970: decides who is late. */
export function detailOf(run: KnownRun, nowMs: number): RunDetail {
  const { config, createdAt, history } = run;
  const { state } = history;
  return {
    ...summaryOf(run),
    reason: state.phase === 'ended' ? state.reason : (run.failure ?? null),
    configDigest: config.digest,
    configuration: config.body,
    metric: config.body.selection.metric,
    visible: visibleIn(config.body),
    timeline: timelineOf({ ...run, config: config.body }, nowMs),
    stage: { since: history.phaseSince ?? createdAt, limitMs: limitOf(config.body, state) },
    hospitals: config.body.roster.map(({ hospitalId: id }) => ({
      id,
      connected: state.phase !== 'ended' && state.connected.has(id),
      consented: state.consented.has(id),
      absent: state.absent.has(id),
      inRound: partOf(state, id),
    })),
    history: history.rounds.map((past) => roundOf(past, run)),
    events: history.events,
  };
}

function statusOf(state: CoordinatorState): RunSummary['status'] {
  if (state.phase === 'ended') return state.outcome;
  return state.paused ? 'paused' : 'running';
}

function limitOf({ gatherTimeoutMs, roundTimeoutMs, secagg }: RunConfig, { phase }: CoordinatorState): number | null {
  switch (phase) {
    case 'gathering':
      return gatherTimeoutMs;
    case 'collecting':
    case 'advertising':
    case 'closing':
      return roundTimeoutMs;
    case 'sharing':
    case 'masking':
    case 'agreeing':
    case 'unmasking':
      return secagg?.stageTimeoutMs ?? null;
    default:
      return null;
  }
}

function partOf(
  state: CoordinatorState,
  id: RunConfig['roster'][number]['hospitalId'],
): 'awaited' | 'answered' | 'declined' | null {
  switch (state.phase) {
    case 'planning':
      return state.cohort.includes(id) ? 'awaited' : null;
    case 'collecting':
      if (!state.cohort.includes(id)) return null;
      if (state.received.has(id)) return 'answered';
      return state.declined.has(id) ? 'declined' : 'awaited';
    case 'advertising':
    case 'sharing':
    case 'masking':
    case 'agreeing':
    case 'unmasking':
      if (!state.cohort.includes(id)) return null;
      if (state.said[state.phase].has(id)) return 'answered';
      return state.declined.has(id) || !speakers(state, state.phase).includes(id) ? 'declined' : 'awaited';
    case 'opening':
      return state.said.masking.has(id) ? 'answered' : null;
    case 'aggregating':
      return state.updates.some(({ hospitalId }) => hospitalId === id) ? 'answered' : null;
    case 'gathering':
    case 'closing':
    case 'ended':
      return null;
  }
}

function roundOf(past: PastRound, { config, history: { state, summed }, figures }: KnownRun): RoundDone {
  const { scores, summedScores } = state;
  const { selection } = config.body;
  const { round, startedAt, endedAt, cohort, updates, exclusions, totalExamples, model } = past;
  const given = scores.get(round);
  const score = given === undefined ? summedScores.get(round) : federatedScore(given);
  return {
    ...{ round, startedAt, model, examples: totalExamples },
    seconds: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) / 1_000,
    updates: updates.map(({ hospitalId, examples, loss, blobBytes }) => ({
      ...{ hospital: hospitalId, examples, loss, bytes: blobBytes },
    })),
    missing: cohort.filter((id) => ![...updates, ...exclusions].some(({ hospitalId }) => hospitalId === id)),
    ...(exclusions.length > 0 && {
      excluded: exclusions.map(({ hospitalId: hospital, reason, measured }) => ({ hospital, reason, measured })),
    }),
    loss: past.loss,
    figures:
      config.body.mode === 'secagg'
        ? summedFigures(summed.get(round), updates.length)
        : shownFigures(figures.get(round) ?? []),
    bytes: updates.reduce((sum, { blobBytes }) => sum + blobBytes, 0),
    score:
      score === undefined
        ? null
        : {
            // The machine prefers the larger value, so a loss is negative in it.
            value: selection.metric === 'loss' ? -score.value : score.value,
            ...{ hospitals: given?.size ?? null, examples: score.examples },
          },
  };
}
