/**
 * The run at the coordinator: gathering -> (planning -> collecting -> aggregating) x rounds -> closing -> ended.
 * Pure: no clock, no randomness, no socket. An event that has no meaning in the present phase changes nothing, so late,
 * repeated and reordered messages are harmless.
 */
import type { HospitalId, RunEnd } from '@consilium/protocol';
import { bestRound, noLongerImproves } from './selection.js';
import type {
  CoordinatorEffect,
  CoordinatorEvent,
  CoordinatorState,
  OpenRound,
  ReceivedUpdate,
  RunRules,
  Step,
} from './state.js';

type In<P extends CoordinatorState['phase']> = Extract<CoordinatorState, { phase: P }>;

export function startCoordinator(rules: RunRules): Step {
  return {
    state: {
      connected: new Set(),
      consented: new Set(),
      absent: new Set(),
      paused: false,
      scores: new Map(),
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
      if (state.connected.has(event.hospitalId) && !state.absent.has(event.hospitalId)) return stay(state);
      return proceed(rules, {
        ...state,
        connected: plus(state.connected, event.hospitalId),
        absent: minus(state.absent, event.hospitalId),
      });
    case 'disconnected':
      if (!state.connected.has(event.hospitalId)) return stay(state);
      return {
        state: { ...state, connected: minus(state.connected, event.hospitalId) },
        effects: [absenceTimer(rules, event.hospitalId)],
      };
    case 'consented':
      if (state.consented.has(event.hospitalId)) return stay(state);
      return proceed(rules, { ...state, consented: plus(state.consented, event.hospitalId) });
    case 'plan-signed':
      return planSigned(rules, state, event);
    case 'update-accepted':
      return updateAccepted(rules, state, event);
    case 'declined':
      if (state.phase !== 'collecting' || event.planDigest !== state.planDigest) return stay(state);
      if (!state.cohort.includes(event.hospitalId) || state.received.has(event.hospitalId)) return stay(state);
      if (state.declined.has(event.hospitalId)) return stay(state);
      return proceed(rules, { ...state, declined: plus(state.declined, event.hospitalId) });
    case 'aggregated':
      return aggregated(rules, state, event);
    case 'evaluated':
      return evaluated(rules, state, event);
    case 'timer':
      return timerFired(rules, state, event.key);
    case 'pause':
      return state.paused ? stay(state) : stay({ ...state, paused: true });
    case 'resume':
      return resume(rules, state);
    case 'restarted':
      return {
        state: { ...state, connected: new Set() },
        // Also for those who were away already: the timer that counted their grace period is gone.
        effects: [
          ...[...plusAll(state.connected, state.consented)]
            .filter((id) => !state.absent.has(id))
            .map((id) => absenceTimer(rules, id)),
          ...outstanding(rules, state),
        ],
      };
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
      if (state.paused || cohort.length < rules.minHospitals) return stay(state);
      if (awaited.length > 0 && !state.overdue) return stay(state);
      const { round, model } = state;
      const open = { round, attempt: 1, model, cohort };
      return { state: { ...members(state), phase: 'planning', ...open }, effects: [{ type: 'sign-plan', ...open }] };
    }
    case 'collecting': {
      const awaited = state.cohort.filter(
        (id) => !state.received.has(id) && !state.declined.has(id) && !state.absent.has(id),
      );
      const quorum = state.quorumDue ? Math.max(rules.minHospitals, rules.quorum?.hospitals ?? Infinity) : Infinity;
      const enough = awaited.length === 0 ? rules.minHospitals : quorum;
      return state.received.size < enough ? stay(state) : closeRound(state);
    }
    case 'closing': {
      const awaited = [...state.awaiting].filter((id) => !state.absent.has(id));
      return awaited.length > 0 ? stay(state) : end(state, 'finished', state.reason);
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
  const collecting: In<'collecting'> = {
    ...members(state),
    phase: 'collecting',
    ...{ round, attempt, model, cohort },
    planDigest: event.planDigest,
    received: new Map(),
    declined: new Set(),
    quorumDue: false,
  };
  return { state: collecting, effects: outstanding(rules, collecting) };
}

/** What a phase waits for, from its beginning; a new process asks for the same again, with whole periods. */
function outstanding(rules: RunRules, state: CoordinatorState): CoordinatorEffect[] {
  switch (state.phase) {
    case 'gathering':
      return [{ type: 'set-timer', key: `gather:${state.round}`, delayMs: rules.gatherTimeoutMs }];
    case 'planning':
      return [{ type: 'sign-plan', ...openRound(state) }];
    case 'collecting': {
      const place = `${state.round}:${state.attempt}`;
      return [
        { type: 'publish-plan', planDigest: state.planDigest },
        { type: 'set-timer', key: `round:${place}`, delayMs: rules.roundTimeoutMs },
        ...(rules.quorum === undefined || state.quorumDue
          ? []
          : [{ type: 'set-timer' as const, key: `quorum:${place}`, delayMs: rules.quorum.afterMs }]),
      ];
    }
    case 'aggregating':
      return [{ type: 'aggregate', ...openRound(state), planDigest: state.planDigest, updates: state.updates }];
    case 'closing':
      return [{ type: 'set-timer', key: 'closing', delayMs: rules.roundTimeoutMs }];
    case 'ended':
      return [];
  }
}

function updateAccepted(
  rules: RunRules,
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { type: 'update-accepted' }>,
): Step {
  const { update } = event;
  if (state.phase !== 'collecting' || event.planDigest !== state.planDigest) return stay(state);
  if (!state.cohort.includes(update.hospitalId) || state.received.has(update.hospitalId)) return stay(state);
  if (state.declined.has(update.hospitalId)) return stay(state);
  return proceed(rules, { ...state, received: new Map(state.received).set(update.hospitalId, update) });
}

function closeRound(state: In<'collecting'>): Step {
  const updates = [...state.received.values()].sort(byHospital);
  const open = { ...openRound(state), planDigest: state.planDigest, updates };
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
  const reason =
    round >= rules.rounds ? 'ALL_ROUNDS_DONE' : noLongerImproves(rules, state) ? 'EARLY_STOPPED' : undefined;
  const next: CoordinatorState =
    reason === undefined
      ? { ...members(state), phase: 'gathering', round: round + 1, model: event.model, overdue: false }
      : {
          ...members(state),
          phase: 'closing',
          ...{ round, reason, model: event.model },
          // Also those that are away for a moment, as all are after a restart: the grace period decides about them.
          awaiting: new Set([...state.consented].filter((id) => !state.absent.has(id))),
        };
  const then = proceed(rules, next);
  // A phase that is left at once needs no timer.
  const timers = then.state.phase === next.phase ? outstanding(rules, next) : [];
  return { state: then.state, effects: [publish, ...timers, ...then.effects] };
}

function timerFired(rules: RunRules, state: CoordinatorState, key: string): Step {
  const hospitalId = key.startsWith('absence:') ? (key.slice('absence:'.length) as HospitalId) : undefined;
  if (hospitalId !== undefined) {
    if (state.connected.has(hospitalId) || !rules.roster.includes(hospitalId)) return stay(state);
    return proceed(rules, { ...state, absent: plus(state.absent, hospitalId) });
  }
  if (state.phase === 'gathering' && key === `gather:${state.round}`) {
    if (state.paused) return stay(state);
    // Once overdue the round starts without the missing, but never below the minimum: a second period, then the end.
    if (state.overdue) return end(state, 'aborted', 'TOO_FEW_HOSPITALS');
    const waited = proceed(rules, { ...state, overdue: true });
    const again = { type: 'set-timer' as const, key, delayMs: rules.gatherTimeoutMs };
    return waited.state.phase === 'gathering' ? { state: waited.state, effects: [again] } : waited;
  }
  if (state.phase === 'collecting' && key === `round:${state.round}:${state.attempt}`) {
    return state.received.size >= rules.minHospitals ? closeRound(state) : end(state, 'aborted', 'TOO_FEW_HOSPITALS');
  }
  if (state.phase === 'collecting' && key === `quorum:${state.round}:${state.attempt}` && !state.quorumDue) {
    return proceed(rules, { ...state, quorumDue: true });
  }
  if (state.phase === 'closing' && key === 'closing') return end(state, 'finished', state.reason);
  return stay(state);
}

/** Of the model that the last completed round ended with; what comes later than the next round's sum is not counted. */
function evaluated(
  rules: RunRules,
  state: Exclude<CoordinatorState, { phase: 'ended' }>,
  { hospitalId, model, score }: Extract<CoordinatorEvent, { type: 'evaluated' }>,
): Step {
  if (model !== state.model) return stay(state);
  const round = completedRounds(state);
  const ofRound = state.scores.get(round);
  const isNew = round > 0 && score !== null && ofRound?.has(hospitalId) !== true;
  const scores = isNew ? new Map(state.scores).set(round, new Map(ofRound).set(hospitalId, score)) : state.scores;
  if (state.phase === 'closing' && state.awaiting.has(hospitalId)) {
    return proceed(rules, { ...state, scores, awaiting: minus(state.awaiting, hospitalId) });
  }
  return stay(isNew ? { ...state, scores } : state);
}

/** A pause costs the hospitals nothing: whoever is awaited gets the whole period again. */
function resume(rules: RunRules, state: CoordinatorState): Step {
  if (!state.paused) return stay(state);
  const then = proceed(rules, { ...state, paused: false });
  if (then.state.phase !== 'gathering') return then;
  return { state: { ...then.state, overdue: false }, effects: outstanding(rules, then.state) };
}

function end(state: CoordinatorState, outcome: RunEnd['outcome'], reason: RunEnd['reason']): Step {
  if (state.phase === 'ended') return stay(state);
  const rounds = completedRounds(state);
  const closing = { outcome, reason, rounds, bestRound: bestRound(state.scores) };
  return {
    state: { ...members(state), phase: 'ended', ...closing },
    effects: [{ type: 'end-run', ...closing }],
  };
}

const completedRounds = (state: Exclude<CoordinatorState, { phase: 'ended' }>): number =>
  state.phase === 'closing' ? state.round : state.round - 1;

const stay = (state: CoordinatorState): Step => ({ state, effects: [] });

const members = ({ connected, consented, absent, paused, scores }: CoordinatorState) => ({
  ...{ connected, consented, absent, paused, scores },
});

const openRound = ({ round, attempt, model, cohort }: OpenRound) => ({ round, attempt, model, cohort });

const absenceTimer = (rules: RunRules, hospitalId: HospitalId): CoordinatorEffect => ({
  type: 'set-timer',
  key: `absence:${hospitalId}`,
  delayMs: rules.absenceGraceMs,
});

const plus = (set: ReadonlySet<HospitalId>, id: HospitalId): ReadonlySet<HospitalId> => new Set(set).add(id);

const plusAll = (set: ReadonlySet<HospitalId>, others: ReadonlySet<HospitalId>): ReadonlySet<HospitalId> =>
  new Set([...set, ...others]);

const minus = (set: ReadonlySet<HospitalId>, id: HospitalId): ReadonlySet<HospitalId> =>
  new Set([...set].filter((other) => other !== id));

const byHospital = (a: ReceivedUpdate, b: ReceivedUpdate): number => (a.hospitalId < b.hospitalId ? -1 : 1);
