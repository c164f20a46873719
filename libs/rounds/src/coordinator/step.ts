/**
 * The run at the coordinator: gathering -> (planning -> collecting -> aggregating) x rounds -> closing -> ended.
 * Pure: no clock, no randomness, no socket. An event that has no meaning in the present phase changes nothing, so late,
 * repeated and reordered messages are harmless.
 */
import type { HospitalId, RunEnd } from '@consilium/protocol';
import type { CoordinatorEvent, CoordinatorState, ReceivedUpdate, RunRules, Step } from './state.js';

type In<P extends CoordinatorState['phase']> = Extract<CoordinatorState, { phase: P }>;

export function startCoordinator(rules: RunRules): Step {
  return {
    state: {
      connected: new Set(),
      consented: new Set(),
      absent: new Set(),
      phase: 'gathering',
      round: 1,
      model: rules.initialModel,
      overdue: false,
    },
    effects: [{ type: 'set-timer', key: 'gather:1', delayMs: rules.gatherTimeoutMs }],
  };
}

export function stepCoordinator(rules: RunRules, state: CoordinatorState, event: CoordinatorEvent): Step {
  if (state.phase === 'ended') return stay(state);
  // The signed roster decides who takes part, whoever else may have come through the door.
  if ('hospitalId' in event && !rules.roster.includes(event.hospitalId)) return stay(state);
  switch (event.type) {
    case 'connected':
      return proceed(rules, {
        ...state,
        connected: plus(state.connected, event.hospitalId),
        absent: minus(state.absent, event.hospitalId),
      });
    case 'disconnected':
      return {
        state: { ...state, connected: minus(state.connected, event.hospitalId) },
        effects: [{ type: 'set-timer', key: `absence:${event.hospitalId}`, delayMs: rules.absenceGraceMs }],
      };
    case 'consented':
      return proceed(rules, { ...state, consented: plus(state.consented, event.hospitalId) });
    case 'plan-signed':
      return planSigned(rules, state, event);
    case 'update-accepted':
      return updateAccepted(rules, state, event);
    case 'aggregated':
      return aggregated(rules, state, event);
    case 'evaluated':
      if (state.phase !== 'closing' || event.model !== state.model) return stay(state);
      return proceed(rules, { ...state, awaiting: minus(state.awaiting, event.hospitalId) });
    case 'timer':
      return timerFired(rules, state, event.key);
    case 'stop':
      return end(state, 'aborted', 'STOPPED');
    case 'failed':
      return end(state, 'aborted', 'COORDINATOR_FAILED');
  }
}

/** Ready: consented to the configuration and connected now. */
const readyHospitals = (state: CoordinatorState): HospitalId[] =>
  [...state.consented].filter((id) => state.connected.has(id)).sort();

/** Moves on if nothing more is awaited in the present phase. */
function proceed(rules: RunRules, state: CoordinatorState): Step {
  switch (state.phase) {
    case 'gathering': {
      const cohort = readyHospitals(state);
      const awaited = rules.roster.filter((id) => !cohort.includes(id) && !state.absent.has(id));
      if (cohort.length < rules.minHospitals || (awaited.length > 0 && !state.overdue)) return stay(state);
      const { round, model } = state;
      const open = { round, attempt: 1, model, cohort };
      return { state: { ...members(state), phase: 'planning', ...open }, effects: [{ type: 'sign-plan', ...open }] };
    }
    case 'collecting': {
      const awaited = state.cohort.filter((id) => !state.received.has(id) && !state.absent.has(id));
      return awaited.length > 0 || state.received.size < rules.minHospitals ? stay(state) : closeRound(state);
    }
    case 'closing': {
      const awaited = [...state.awaiting].filter((id) => !state.absent.has(id));
      return awaited.length > 0 ? stay(state) : end(state, 'finished', 'ALL_ROUNDS_DONE');
    }
    case 'planning':
    case 'aggregating':
    case 'ended':
      return stay(state);
  }
}

function planSigned(
  rules: RunRules,
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { type: 'plan-signed' }>,
): Step {
  if (state.phase !== 'planning' || event.round !== state.round || event.attempt !== state.attempt) return stay(state);
  const { round, attempt, model, cohort } = state;
  return {
    state: {
      ...members(state),
      phase: 'collecting',
      ...{ round, attempt, model, cohort },
      planDigest: event.planDigest,
      received: new Map(),
    },
    effects: [
      { type: 'publish-plan', planDigest: event.planDigest },
      { type: 'set-timer', key: `round:${round}:${attempt}`, delayMs: rules.roundTimeoutMs },
    ],
  };
}

function updateAccepted(
  rules: RunRules,
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { type: 'update-accepted' }>,
): Step {
  const { update } = event;
  if (state.phase !== 'collecting' || event.planDigest !== state.planDigest) return stay(state);
  if (!state.cohort.includes(update.hospitalId) || state.received.has(update.hospitalId)) return stay(state);
  return proceed(rules, { ...state, received: new Map(state.received).set(update.hospitalId, update) });
}

function closeRound(state: In<'collecting'>): Step {
  const { round, attempt, model, cohort, planDigest } = state;
  const updates = [...state.received.values()].sort(byHospital);
  const open = { round, attempt, model, cohort, planDigest, updates };
  return { state: { ...members(state), phase: 'aggregating', ...open }, effects: [{ type: 'aggregate', ...open }] };
}

function aggregated(
  rules: RunRules,
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { type: 'aggregated' }>,
): Step {
  if (state.phase !== 'aggregating' || event.planDigest !== state.planDigest) return stay(state);
  const { round, attempt, model, cohort, planDigest, updates } = state;
  const publish = {
    type: 'publish-aggregate' as const,
    ...{ round, attempt, model, cohort, planDigest, updates },
    newModel: event.model,
    totalExamples: event.totalExamples,
  };
  const last = round >= rules.rounds;
  const next: Step = last
    ? {
        state: {
          ...members(state),
          phase: 'closing',
          round,
          model: event.model,
          awaiting: new Set(readyHospitals(state)),
        },
        effects: [{ type: 'set-timer', key: 'closing', delayMs: rules.roundTimeoutMs }],
      }
    : {
        state: { ...members(state), phase: 'gathering', round: round + 1, model: event.model, overdue: false },
        effects: [{ type: 'set-timer', key: `gather:${round + 1}`, delayMs: rules.gatherTimeoutMs }],
      };
  const then = proceed(rules, next.state);
  // A phase that is left at once needs no timer.
  const timers = then.state.phase === next.state.phase ? next.effects : [];
  return { state: then.state, effects: [publish, ...timers, ...then.effects] };
}

function timerFired(rules: RunRules, state: CoordinatorState, key: string): Step {
  const hospitalId = key.startsWith('absence:') ? (key.slice('absence:'.length) as HospitalId) : undefined;
  if (hospitalId !== undefined) {
    if (state.connected.has(hospitalId) || !rules.roster.includes(hospitalId)) return stay(state);
    return proceed(rules, { ...state, absent: plus(state.absent, hospitalId) });
  }
  if (state.phase === 'gathering' && key === `gather:${state.round}`) {
    // Once overdue the round starts without the missing, but never below the minimum: a second period, then the end.
    if (state.overdue) return end(state, 'aborted', 'TOO_FEW_HOSPITALS');
    const waited = proceed(rules, { ...state, overdue: true });
    const again = { type: 'set-timer' as const, key, delayMs: rules.gatherTimeoutMs };
    return waited.state.phase === 'gathering' ? { state: waited.state, effects: [again] } : waited;
  }
  if (state.phase === 'collecting' && key === `round:${state.round}:${state.attempt}`) {
    return state.received.size >= rules.minHospitals ? closeRound(state) : end(state, 'aborted', 'TOO_FEW_HOSPITALS');
  }
  if (state.phase === 'closing' && key === 'closing') return end(state, 'finished', 'ALL_ROUNDS_DONE');
  return stay(state);
}

function end(state: CoordinatorState, outcome: RunEnd['outcome'], reason: RunEnd['reason']): Step {
  if (state.phase === 'ended') return stay(state);
  const rounds = state.phase === 'closing' ? state.round : state.round - 1;
  return {
    state: { ...members(state), phase: 'ended', outcome, reason, rounds },
    effects: [{ type: 'end-run', outcome, reason, rounds }],
  };
}

const stay = (state: CoordinatorState): Step => ({ state, effects: [] });

const members = ({ connected, consented, absent }: CoordinatorState) => ({ connected, consented, absent });

const plus = (set: ReadonlySet<HospitalId>, id: HospitalId): ReadonlySet<HospitalId> => new Set(set).add(id);

const minus = (set: ReadonlySet<HospitalId>, id: HospitalId): ReadonlySet<HospitalId> =>
  new Set([...set].filter((other) => other !== id));

const byHospital = (a: ReceivedUpdate, b: ReceivedUpdate): number => (a.hospitalId < b.hospitalId ? -1 : 1);
