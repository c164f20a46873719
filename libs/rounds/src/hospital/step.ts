/**
 * The run at a hospital: joining -> ready -> (training -> sending -> waiting -> evaluating) x rounds -> ended; in the
 * mode secagg `masking` stands for `sending` and `waiting`.
 * Pure, and deaf to what has no meaning in the present phase. Statements arrive verified; rules that protect the
 * hospital from a coordinator that signs nonsense are here.
 */
import type { HospitalId } from '@consilium/protocol';
import { cohortOf, isSecure } from './state.js';
import type {
  AcceptedPlan,
  HospitalEffect,
  HospitalEvent,
  HospitalState,
  HospitalStep,
  LocalRefusal,
  Memory,
  Progress,
} from './state.js';

type Running = Exclude<HospitalState, { phase: 'joining' | 'ended' | 'refusing' }>;

/** @param memory - of an earlier process, if this hospital took part in the run before. */
export const startHospital = (memory?: Memory): HospitalState => ({ phase: 'joining', memory });

/** What the next process must know, should this one end now. */
export function memoryOf(state: HospitalState): Memory | undefined {
  if (state.phase === 'joining') return state.memory;
  if (state.phase === 'ended' || state.phase === 'refusing') return undefined;
  const progress = state.phase === 'evaluating' ? { ...progressOf(state), ...state.before } : progressOf(state);
  return { ...progress, unsent: state.phase === 'sending' ? state.accepted : undefined };
}

export function stepHospital(own: HospitalId, state: HospitalState, event: HospitalEvent): HospitalStep {
  if (state.phase === 'ended' || state.phase === 'refusing') return stay(state);
  if (event.type === 'config') return config(state, event);
  // Nothing else has a meaning before the configuration, which is the first of what a synchronisation brings.
  if (state.phase === 'joining') return stay(state);
  switch (event.type) {
    case 'run-end': {
      const { configDigest, outcome, reason, rounds } = event.end;
      // The end of an earlier run is validly signed too, and anyone may play it back.
      if (configDigest !== state.configDigest) return stay(state);
      // We were away when the last head was announced, and the end overtook the synchronisation that brings both.
      if (rounds > state.completedRound) return stay(state);
      // The last evaluation still goes out: the coordinator waits for it before it ends a finished run.
      return { state: { phase: 'ended', outcome, reason, rounds }, effects: [{ type: 'stop' }] };
    }
    case 'plan':
      return plan(own, state, event);
    case 'trained':
      if (state.phase !== 'training' || event.planDigest !== state.accepted.digest) return stay(state);
      return isSecure(state.accepted.plan)
        ? { state: { ...state, phase: 'masking' }, effects: [{ type: 'advertise', accepted: state.accepted }] }
        : { state: { ...state, phase: 'sending' }, effects: [{ type: 'send-update', accepted: state.accepted }] };
    case 'dropped-out': {
      if (state.phase !== 'masking' || event.planDigest !== state.accepted.digest) return stay(state);
      const { accepted } = state;
      return { state: { ...progressOf(state), phase: 'ready' }, effects: [{ type: 'send-decline', accepted }] };
    }
    case 'update-acknowledged':
      if (state.phase !== 'sending' || event.planDigest !== state.accepted.digest) return stay(state);
      return stay({ ...state, phase: 'waiting' });
    case 'update-refused':
      if (state.phase !== 'sending' || event.planDigest !== state.accepted.digest) return stay(state);
      return event.roundIsOver ? stay({ ...state, phase: 'waiting' }) : refuse('UPDATE_REFUSED');
    case 'aggregate': {
      const { aggregate } = event;
      if (aggregate.runId !== state.runId || aggregate.round <= state.completedRound) return stay(state);
      const { round, model } = aggregate;
      // No plan of a round that is over is answered any more, also not after a crash that goes back before this head.
      const answered = state.answered.round > round ? state.answered : { round, attempt: Number.MAX_SAFE_INTEGER };
      const progress = { ...progressOf(state), completedRound: round, model, answered };
      // The head before this one stays the point to go back to until an evaluation was sent.
      const before =
        state.phase === 'evaluating' ? state.before : { completedRound: state.completedRound, model: state.model };
      return {
        state: { ...progress, phase: 'evaluating', next: undefined, before },
        effects: [{ type: 'evaluate', aggregate }],
      };
    }
    case 'evaluated': {
      if (state.phase !== 'evaluating' || event.model !== state.model) return stay(state);
      const { next } = state;
      const ready: Running = { ...progressOf(state), phase: 'ready' };
      return next === undefined ? stay(ready) : begin(ready, next);
    }
  }
}

function config(state: HospitalState, event: Extract<HospitalEvent, { type: 'config' }>): HospitalStep {
  if (state.phase === 'joining') {
    const { memory } = state;
    if (event.refusal !== undefined) return refuse(event.refusal);
    if (memory !== undefined && memory.configDigest !== event.digest) return refuse('CONFIG_CHANGED');
    const consent: HospitalEffect = { type: 'send-consent', configDigest: event.digest };
    if (memory?.unsent !== undefined) {
      const { unsent: accepted, ...progress } = memory;
      return {
        state: { ...progress, phase: 'sending', accepted },
        effects: [consent, { type: 'send-update', accepted }],
      };
    }
    if (memory !== undefined) return { state: { ...progressOf(memory), phase: 'ready' }, effects: [consent] };
    return {
      state: {
        phase: 'ready',
        runId: event.config.runId,
        configDigest: event.digest,
        completedRound: 0,
        model: event.config.initialModel,
        answered: { round: 0, attempt: 0 },
      },
      effects: [consent],
    };
  }
  // After a reconnection the same configuration comes again; another one would be another run.
  return 'configDigest' in state && state.configDigest !== event.digest ? refuse('CONFIG_CHANGED') : stay(state);
}

function plan(own: HospitalId, state: Running, event: Extract<HospitalEvent, { type: 'plan' }>): HospitalStep {
  const { plan, digest } = event;
  if (plan.configDigest !== state.configDigest || !cohortOf(plan).includes(own)) return stay(state);
  const newest = state.phase === 'evaluating' && state.next !== undefined ? state.next.plan : state.answered;
  const isNew = plan.round > newest.round || (plan.round === newest.round && plan.attempt > newest.attempt);
  const isLost = state.phase === 'ready' && plan.round === newest.round && plan.attempt === newest.attempt;
  if (isLost && plan.round > state.completedRound) {
    return { state, effects: [{ type: 'send-decline', accepted: { plan, digest } }] };
  }
  if (!isNew || plan.round <= state.completedRound) return stay(state);
  if (plan.model !== state.model) {
    // Further ahead than the next round: we were away when an aggregate was pushed, and the plan overtook the
    // synchronisation that brings both. Nothing is done for it until then.
    return plan.round > state.completedRound + 1 ? stay(state) : refuse('PLAN_MODEL_UNKNOWN');
  }
  const accepted = { plan, digest };
  if (event.isDeclined === true) return decline(state, accepted);
  return state.phase === 'evaluating' ? stay({ ...state, next: accepted }) : begin(state, accepted);
}

/** From here on this plan counts as answered: a crash or a repeated plan cannot make the hospital train on it again. */
function begin(state: Running, accepted: AcceptedPlan): HospitalStep {
  const { round, attempt } = accepted.plan;
  return {
    state: { ...progressOf(state), answered: { round, attempt }, phase: 'training', accepted },
    effects: [{ type: 'train', accepted }],
  };
}

/** It counts as answered: what was declined is not trained on when it comes again. */
function decline(state: Running, accepted: AcceptedPlan): HospitalStep {
  const { round, attempt } = accepted.plan;
  const answered = { round, attempt };
  const after: Running =
    state.phase === 'evaluating' ? { ...state, answered } : { ...progressOf(state), answered, phase: 'ready' };
  return { state: after, effects: [{ type: 'send-decline', accepted }] };
}

const progressOf = ({ runId, configDigest, completedRound, model, answered }: Progress): Progress => ({
  runId,
  configDigest,
  completedRound,
  model,
  answered,
});

const stay = (state: HospitalState): HospitalStep => ({ state, effects: [] });

const refuse = (code: LocalRefusal): HospitalStep => ({
  state: { phase: 'refusing', code },
  effects: [{ type: 'stop' }],
});
