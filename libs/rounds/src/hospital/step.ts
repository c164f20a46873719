/**
 * The run at a hospital: joining -> ready -> (training -> sending -> waiting -> evaluating) x rounds -> ended.
 * Pure, and deaf to what has no meaning in the present phase. Statements arrive verified; rules that protect the
 * hospital from a coordinator that signs nonsense are here.
 */
import type { HospitalId } from '@consilium/protocol';
import type { AcceptedPlan, HospitalEvent, HospitalState, HospitalStep, LocalRefusal } from './state.js';

type Running = Exclude<HospitalState, { phase: 'joining' | 'ended' | 'refusing' }>;

export const startHospital = (): HospitalState => ({ phase: 'joining' });

export function stepHospital(own: HospitalId, state: HospitalState, event: HospitalEvent): HospitalStep {
  if (state.phase === 'ended' || state.phase === 'refusing') return stay(state);
  if (event.type === 'config') return config(state, event);
  if (event.type === 'run-end') {
    const { outcome, reason } = event.end;
    // The last evaluation still goes out: the coordinator waits for it before it ends a finished run.
    return { state: { phase: 'ended', outcome, reason }, effects: [{ type: 'stop' }] };
  }
  if (state.phase === 'joining') return stay(state);
  switch (event.type) {
    case 'plan':
      return plan(own, state, event);
    case 'trained':
      if (state.phase !== 'training' || event.planDigest !== state.accepted.digest) return stay(state);
      return {
        state: { ...state, phase: 'sending' },
        effects: [{ type: 'send-update', accepted: state.accepted }],
      };
    case 'update-acknowledged':
      if (state.phase !== 'sending' || event.planDigest !== state.accepted.digest) return stay(state);
      return stay({ ...state, phase: 'waiting' });
    case 'update-refused':
      if (state.phase !== 'sending' || event.planDigest !== state.accepted.digest) return stay(state);
      return event.roundIsOver ? stay({ ...state, phase: 'waiting' }) : refuse('UPDATE_REFUSED');
    case 'aggregate': {
      const { aggregate } = event;
      if (aggregate.round <= state.completedRound) return stay(state);
      const progress = { ...progressOf(state), completedRound: aggregate.round, model: aggregate.model };
      return {
        state: { ...progress, phase: 'evaluating', next: undefined },
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
    if (event.refusal !== undefined) return refuse(event.refusal);
    return {
      state: {
        phase: 'ready',
        configDigest: event.digest,
        completedRound: 0,
        model: event.config.initialModel,
        answered: { round: 0, attempt: 0 },
      },
      effects: [{ type: 'send-consent', configDigest: event.digest }],
    };
  }
  // After a reconnection the same configuration comes again; another one would be another run.
  return 'configDigest' in state && state.configDigest !== event.digest ? refuse('CONFIG_CHANGED') : stay(state);
}

function plan(own: HospitalId, state: Running, event: Extract<HospitalEvent, { type: 'plan' }>): HospitalStep {
  const { plan, digest } = event;
  if (plan.configDigest !== state.configDigest || !plan.cohort.includes(own)) return stay(state);
  const { answered } = state;
  const isNew = plan.round > answered.round || (plan.round === answered.round && plan.attempt > answered.attempt);
  if (!isNew || plan.round <= state.completedRound) return stay(state);
  if (plan.model !== state.model) return refuse('PLAN_MODEL_UNKNOWN');
  const accepted = { plan, digest };
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

const progressOf = ({ configDigest, completedRound, model, answered }: Running) => ({
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
