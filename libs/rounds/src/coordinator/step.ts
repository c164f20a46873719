/**
 * The run at the coordinator: gathering -> (planning -> collecting -> aggregating) x rounds -> closing -> ended; in the mode
 * secagg a round is planning -> advertising -> sharing -> masking -> agreeing -> unmasking -> opening, and the last one sums
 * figures alone.
 * Pure: no clock, no randomness, no socket. An event that has no meaning in the present phase changes nothing, so late,
 * repeated and reordered messages are harmless.
 */
import { limits, type HospitalId } from '@consilium/protocol';
import { members, openRound, stay } from './carried.js';
import { completedRounds, end } from './ending.js';
import { absenceTimer, outstanding } from './outstanding.js';
import { isSecureStage, NOTHING_SAID, stageTimer, withWord, type InStage } from './secure.js';
import { closeRound, disputed, entered, proceed, proceedSecurely } from './proceeding.js';
import { noLongerImproves } from './selection.js';
import { minus, plus, plusAll } from './sets.js';
import type { CoordinatorEvent, CoordinatorState, FinishReason, RunRules, Step } from './state.js';

/** A coordinator that was away has all its hospitals in their pauses, however short the grace period of one is. */
const RETURN_MS = limits.reconnectPauseMs + limits.handshakeMs;

type In<P extends CoordinatorState['phase']> = Extract<CoordinatorState, { phase: P }>;

export function startCoordinator(rules: RunRules): Step {
  return {
    state: {
      connected: new Set(),
      consented: new Set(),
      absent: new Set(),
      paused: false,
      scores: new Map(),
      summedScores: new Map(),
      disputes: [],
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
    case 'said': {
      const heard = isSecureStage(state) ? withWord(state, event) : undefined;
      return heard === undefined ? stay(state) : proceed(rules, heard);
    }
    case 'opened':
      return opened(rules, state, event);
    case 'spoilt': {
      if ((!isSecureStage(state) && state.phase !== 'opening') || event.planDigest !== state.planDigest)
        return stay(state);
      const { lastly } = state.secure;
      return lastly === undefined ? end(state, 'aborted', 'SUM_REFUSED') : end(state, 'finished', lastly);
    }
    case 'disputed':
      return disputed(rules, state, event);
    case 'declined':
      if (isSecureStage(state)) {
        if (event.planDigest !== state.planDigest || state.declined.has(event.hospitalId)) return stay(state);
        return proceed(rules, { ...state, declined: plus(state.declined, event.hospitalId) });
      }
      if (state.phase !== 'collecting' || event.planDigest !== state.planDigest) return stay(state);
      if (!state.cohort.includes(event.hospitalId) || state.received.has(event.hospitalId)) return stay(state);
      if (state.declined.has(event.hospitalId)) return stay(state);
      return proceed(rules, { ...state, declined: plus(state.declined, event.hospitalId) });
    case 'aggregated':
      return aggregated(rules, state, event);
    case 'too-few-left':
      if (state.phase !== 'aggregating' || event.planDigest !== state.planDigest) return stay(state);
      return end(state, 'aborted', 'TOO_FEW_HOSPITALS');
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
            .map((id) => absenceTimer({ absenceGraceMs: Math.max(rules.absenceGraceMs, RETURN_MS) }, id)),
          ...outstanding(rules, state),
        ],
      };
    case 'stop':
      return end(state, 'aborted', 'STOPPED');
    case 'failed':
      return end(state, 'aborted', 'COORDINATOR_FAILED');
  }
}

function planSigned(
  rules: RunRules,
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { type: 'plan-signed' }>,
): Step {
  if (state.phase !== 'planning' || event.round !== state.round || event.attempt !== state.attempt) return stay(state);
  const { secure } = state;
  const { planDigest } = event;
  if (secure !== undefined) {
    const advertising: InStage = {
      ...members(state),
      phase: 'advertising',
      ...openRound(state),
      ...{ secure, planDigest, said: NOTHING_SAID, declined: new Set(), quorumDue: false },
    };
    return { state: advertising, effects: outstanding(rules, advertising) };
  }
  const collecting: In<'collecting'> = {
    ...members(state),
    phase: 'collecting',
    ...openRound(state),
    planDigest,
    received: new Map(),
    declined: new Set(),
    quorumDue: false,
  };
  return { state: collecting, effects: outstanding(rules, collecting) };
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

function aggregated(
  rules: RunRules,
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { type: 'aggregated' }>,
): Step {
  if (state.phase !== 'aggregating' || event.planDigest !== state.planDigest) return stay(state);
  const { round, attempt, model, cohort, planDigest } = state;
  const { exclusions = [] } = event;
  const updates = state.updates.filter(
    (update) => !exclusions.some(({ hospitalId }) => hospitalId === update.hospitalId),
  );
  const publish = {
    type: 'publish-aggregate' as const,
    ...{ round, attempt, model, cohort, planDigest, updates, exclusions },
    newModel: event.model,
    totalExamples: event.totalExamples,
  };
  const reason = finishReason(rules, state);
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
  const then = entered(rules, next);
  return { state: then.state, effects: [publish, ...then.effects] };
}

const finishReason = (rules: RunRules, state: In<'aggregating'> | In<'opening'>): FinishReason | undefined =>
  state.round >= rules.rounds ? 'ALL_ROUNDS_DONE' : noLongerImproves(rules, state) ? 'EARLY_STOPPED' : undefined;

function opened(
  rules: RunRules,
  state: CoordinatorState,
  { planDigest, model, sum }: Extract<CoordinatorEvent, { type: 'opened' }>,
): Step {
  if (state.phase !== 'opening' || planDigest !== state.planDigest) return stay(state);
  const publish = { type: 'publish-sum' as const, ...openRound(state), planDigest, newModel: model, sum };
  // The figures are of the head that the round started from: what the round before it ended with.
  const { round, secure } = state;
  const summedScores =
    round > 1 && sum.score !== null ? new Map(state.summedScores).set(round - 1, sum.score) : state.summedScores;
  const scored = { ...state, summedScores };
  if (secure.lastly !== undefined) {
    const ended = end(scored, 'finished', secure.lastly);
    return { state: ended.state, effects: [publish, ...ended.effects] };
  }
  const lastly = finishReason(rules, scored);
  const then = entered(rules, {
    ...members(scored),
    phase: 'gathering',
    ...{ round: round + 1, model, overdue: false },
    ...(lastly && { lastly }),
  });
  return { state: then.state, effects: [publish, ...then.effects] };
}

function timerFired(rules: RunRules, state: CoordinatorState, key: string): Step {
  const hospitalId = key.startsWith('absence:') ? (key.slice('absence:'.length) as HospitalId) : undefined;
  if (hospitalId !== undefined) {
    if (state.connected.has(hospitalId) || !rules.roster.includes(hospitalId)) return stay(state);
    return proceed(rules, { ...state, absent: plus(state.absent, hospitalId) });
  }
  if (state.phase === 'gathering' && key === `gather:${state.round}`) {
    if (state.paused) return stay(state);
    // Without the figures of the last head the run is as good as done.
    if (state.overdue && state.lastly !== undefined) return end(state, 'finished', state.lastly);
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
  if (isSecureStage(state)) {
    const place = `${state.round}:${state.attempt}`;
    if (state.phase === 'advertising' && key === `quorum:${place}` && !state.quorumDue) {
      return proceed(rules, { ...state, quorumDue: true });
    }
    const own = state.phase === 'advertising' ? `round:${place}` : stageTimer(state, state.phase);
    return key === own ? proceedSecurely(rules, state, true) : stay(state);
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
