/** The open round of a run as people watch it: {@link timelineOf}. */
import type { PlaceView, StageName, StageView, Timeline } from '@consilium/operator-api';
import { stageNames } from '@consilium/operator-api';
import type { HospitalId, RunConfig } from '@consilium/protocol';
import { speakers } from '@consilium/rounds';
import type { History } from './history.js';
import type { Refusals } from './refusals.js';
import { nextOf } from './next-step.js';
import { medianMs, stageOf } from './stages.js';

/** A hospital is late when it takes so many times what the stage took before, and not before this. */
const LATE_FACTOR = 1.5;
const LATE_LEAST_MS = 10_000;

const SEALED_STAGES: readonly StageName[] = ['invite', 'train', 'open', 'evaluate'];

export interface TimelineOf {
  readonly config: RunConfig;
  readonly history: History;
  readonly createdAt: string;
  readonly refusals: Refusals;
}

/** @param nowMs - since 1970. */
export function timelineOf({ config, history, createdAt, refusals }: TimelineOf, nowMs: number): Timeline {
  const { state } = history;
  const stage = stageOf(state);
  const refused = new Map([...refusals].filter(([hospital]) => hasLeft(hospital, state)));
  return {
    round: state.phase === 'ended' ? state.rounds : state.round,
    attempt: 'attempt' in state ? state.attempt : 1,
    stage,
    stages: stageNames.map((name) => stageView(name, config, history, createdAt)),
    places: config.roster.map(({ hospitalId: hospital }) => {
      const rule = refused.get(hospital);
      return rule === undefined
        ? { ...placeOf(hospital, history, nowMs), rule: null }
        : { hospital, stage: null, place: 'refused', since: null, rule };
    }),
    next: nextOf({ config, history, createdAt, refused }),
  };
}

function stageView(name: StageName, config: RunConfig, { state, stages }: History, createdAt: string): StageView {
  const now = stageOf(state);
  const since = stages.since[name] ?? (name === 'invite' && now === 'invite' ? createdAt : null);
  const later = stageNames.slice(stageNames.indexOf(name) + 1).flatMap((other) => stages.since[other] ?? []);
  const exists = (config.mode as string) !== 'sealed' || SEALED_STAGES.includes(name);
  return {
    stage: name,
    state: !exists
      ? 'none'
      : now === name
        ? 'now'
        : now === null || stageNames.indexOf(name) < stageNames.indexOf(now)
          ? 'done'
          : 'ahead',
    since: exists ? since : null,
    until: now === name ? null : (later[0] ?? null),
    limitMs: exists ? stageLimitMs(name, config) : null,
    expectedMs: medianMs(stages.tookMs[name]),
  };
}

function stageLimitMs(name: StageName, { gatherTimeoutMs, roundTimeoutMs, secagg }: RunConfig): number | null {
  if (name === 'invite') return gatherTimeoutMs;
  if (secagg !== undefined && name !== 'train') return name === 'evaluate' ? null : secagg.stageTimeoutMs;
  return name === 'train' || name === 'evaluate' ? roundTimeoutMs : null;
}

/** With its refusal it left; one that has come back since may have thought better of it. */
const hasLeft = (hospital: HospitalId, state: History['state']): boolean =>
  state.phase !== 'ended' && !state.connected.has(hospital) && !('cohort' in state && state.cohort.includes(hospital));

function placeOf(hospital: HospitalId, history: History, nowMs: number): Omit<PlaceView, 'rule'> {
  const { state, stages } = history;
  const stage = stageOf(state);
  const answered = stages.answered.get(hospital);
  const at = (
    place: PlaceView['place'],
    reached: StageName | null,
    since?: string | null,
  ): Omit<PlaceView, 'rule'> => ({
    ...{ hospital, stage: reached, place, since: since ?? null },
  });
  if (stage === null) return at('outside', null);
  const since = stages.since[stage];
  const waiting = () => at(isLate(history, stage, nowMs) ? 'late' : 'working', stage, since);
  switch (state.phase) {
    case 'gathering':
      return state.consented.has(hospital) && state.connected.has(hospital)
        ? at('done', stage, answered?.at)
        : at('expected', stage);
    case 'planning':
      return state.cohort.includes(hospital) ? at('done', stage, since) : at('outside', null);
    case 'collecting':
      if (!state.cohort.includes(hospital)) return at('outside', null);
      if (state.received.has(hospital)) return at('done', stage, answered?.at);
      if (state.declined.has(hospital)) return at('declined', stage, answered?.at);
      return state.absent.has(hospital) ? at('dropped', stage) : waiting();
    case 'aggregating':
      if (!state.cohort.includes(hospital)) return at('outside', null);
      return state.updates.some(({ hospitalId }) => hospitalId === hospital)
        ? at('done', stage, since)
        : at(answered === undefined ? 'dropped' : 'declined', 'train', answered?.at);
    case 'advertising':
    case 'sharing':
    case 'masking':
    case 'agreeing':
    case 'unmasking':
      if (!state.cohort.includes(hospital)) return at('outside', null);
      if (state.said[state.phase].has(hospital)) return at('done', stage, answered?.at);
      if (state.declined.has(hospital)) return at('declined', answered?.stage ?? stage, answered?.at);
      if (state.absent.has(hospital) || !speakers(state, state.phase).includes(hospital)) {
        return at('dropped', answered?.stage ?? stage, answered?.at);
      }
      return waiting();
    case 'opening':
      if (!state.cohort.includes(hospital)) return at('outside', null);
      return state.said.masking.has(hospital) ? at('done', stage, since) : at('dropped', 'mask', answered?.at);
    case 'closing':
      if (!state.consented.has(hospital)) return at('outside', null);
      if (!state.awaiting.has(hospital)) return at('done', stage, answered?.at);
      return state.absent.has(hospital) ? at('dropped', stage) : waiting();
    case 'ended':
      return at('outside', null);
  }
}

function isLate({ state, stages }: History, stage: StageName, nowMs: number): boolean {
  if ('quorumDue' in state && state.quorumDue) return true;
  const since = stages.since[stage];
  const expectedMs = medianMs(stages.tookMs[stage]);
  if (since === undefined || expectedMs === null) return false;
  return nowMs - Date.parse(since) > Math.max(LATE_LEAST_MS, LATE_FACTOR * expectedMs);
}
