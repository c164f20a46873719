/** A run as the API shows it: its signed configuration and its history in the words of {@link runDetail}. */
import type { Opened, RunConfig } from '@consilium/protocol';
import type { CoordinatorState } from '@consilium/rounds';
import { rulesOf } from '../run/rules.js';
import { bestRoundOf, federatedScore, type History, type PastRound } from './history.js';
import type { RoundDone, RunDetail, RunSummary } from './schemas.js';

export interface KnownRun {
  readonly config: Opened<'run-config'>;
  readonly createdAt: string;
  readonly history: History;
}

export function summaryOf({ config: { body }, createdAt, history: { state } }: KnownRun): RunSummary {
  return {
    run: body.runId,
    study: body.study.name,
    status: statusOf(state),
    phase: state.phase,
    round: state.phase === 'ended' ? state.rounds : state.round,
    rounds: body.rounds,
    bestRound: bestRoundOf(rulesOf(body), state) ?? null,
    createdAt,
  };
}

export function detailOf(run: KnownRun): RunDetail {
  const { config, createdAt, history } = run;
  const { state } = history;
  return {
    ...summaryOf(run),
    reason: state.phase === 'ended' ? state.reason : null,
    configDigest: config.digest,
    configuration: config.body,
    metric: config.body.selection.metric,
    stage: { since: history.phaseSince ?? createdAt, limitMs: limitOf(config.body, state) },
    hospitals: config.body.roster.map(({ hospitalId: id }) => ({
      id,
      connected: state.phase !== 'ended' && state.connected.has(id),
      consented: state.consented.has(id),
      absent: state.absent.has(id),
      inRound: partOf(state, id),
    })),
    history: history.rounds.map((past) => roundOf(past, config.body, state)),
    events: history.events,
  };
}

function statusOf(state: CoordinatorState): RunSummary['status'] {
  if (state.phase === 'ended') return state.outcome;
  return state.paused ? 'paused' : 'running';
}

function limitOf({ gatherTimeoutMs, roundTimeoutMs }: RunConfig, { phase }: CoordinatorState): number | null {
  if (phase === 'gathering') return gatherTimeoutMs;
  return phase === 'collecting' || phase === 'closing' ? roundTimeoutMs : null;
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
    case 'aggregating':
      return state.updates.some(({ hospitalId }) => hospitalId === id) ? 'answered' : null;
    case 'gathering':
    case 'closing':
    case 'ended':
      return null;
  }
}

function roundOf(past: PastRound, { selection }: RunConfig, { scores }: CoordinatorState): RoundDone {
  const { round, startedAt, endedAt, cohort, updates, totalExamples, model } = past;
  const given = scores.get(round);
  const score = given === undefined ? undefined : federatedScore(given);
  return {
    ...{ round, startedAt, model, examples: totalExamples },
    seconds: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) / 1_000,
    updates: updates.map(({ hospitalId, examples, loss, blobBytes }) => ({
      ...{ hospital: hospitalId, examples, loss, bytes: blobBytes },
    })),
    missing: cohort.filter((id) => !updates.some(({ hospitalId }) => hospitalId === id)),
    bytes: updates.reduce((sum, { blobBytes }) => sum + blobBytes, 0),
    score:
      given === undefined || score === undefined
        ? null
        : {
            // The machine prefers the larger value, so a loss is negative in it.
            value: selection.metric === 'loss' ? -score.value : score.value,
            ...{ hospitals: given.size, examples: score.examples },
          },
  };
}
