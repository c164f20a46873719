/**
 * When a phase of the coordinator is over, and what comes after it: what every event that changes who is there, or what is
 * there, asks for in the end.
 */
import type { HospitalId } from '@consilium/protocol';
import { leastInCohort } from '@consilium/secagg';
import { members, openRound, stay } from './carried.js';
import { leftOutOver } from './disputes.js';
import { end } from './ending.js';
import { outstanding } from './outstanding.js';
import { after, isSecureStage, secureTerms, speakers, verdict, type InStage } from './secure.js';
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

/** Ready: consented to the configuration and connected now. */
const readyHospitals = (state: CoordinatorState): HospitalId[] =>
  [...state.consented].filter((id) => state.connected.has(id)).sort();

/** Moves on if nothing more is awaited in the present phase. */
export function proceed(rules: RunRules, state: CoordinatorState): Step {
  switch (state.phase) {
    case 'gathering': {
      const { round, model, retry } = state;
      const leftOut = leftOutOver(state.disputes);
      const within = (retry?.within ?? rules.roster).filter((id) => !leftOut.has(id));
      const cohort = readyHospitals(state).filter((id) => within.includes(id));
      // Who has not come to the first round joins a later one: no round waits for them again.
      const expected = round === 1 ? within : within.filter((id) => state.consented.has(id));
      const awaited = expected.filter((id) => !cohort.includes(id) && !state.absent.has(id));
      const least = Math.max(
        rules.minHospitals,
        rules.secagg === undefined ? 1 : leastInCohort(rules.secagg.tolerated),
      );
      if (state.paused || cohort.length < least) return stay(state);
      if (awaited.length > 0 && !state.overdue) return stay(state);
      const { secagg } = rules;
      const terms = secagg && secureTerms(secagg, rules, cohort.length, retry?.threshold);
      if (terms !== undefined && cohort.length < terms.floor) return stay(state);
      const open: OpenRound = {
        ...{ round, attempt: retry?.attempt ?? 1, model, cohort },
        ...(terms && { secure: { ...terms, ...(state.lastly && { lastly: state.lastly }) } }),
      };
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
    case 'opening':
    case 'ended':
      return stay(state);
    default:
      return proceedSecurely(rules, state, false);
  }
}

/** @param isOver - the stage's time is. */
export function proceedSecurely(rules: RunRules, state: InStage, isOver: boolean): Step {
  switch (verdict(rules, state, isOver)) {
    case 'wait':
      return stay(state);
    case 'close': {
      const next: CoordinatorState = { ...state, phase: after(state.phase) ?? 'opening' };
      return { state: next, effects: outstanding(rules, next) };
    }
    case 'fail':
      return attemptFailed(rules, state);
  }
}

/** Attempts of a secure round, the first one included. */
export const ATTEMPTS = 3;

function attemptFailed(rules: RunRules, state: InStage): Step {
  const { attempt, cohort, secure } = state;
  if (secure.lastly !== undefined) return end(state, 'finished', secure.lastly);
  // The hospitals may have given their shares: another attempt could be compared with this one, and they refuse it.
  if (state.phase === 'unmasking') return end(state, 'aborted', 'SUM_NOT_OPENED');
  if (attempt >= ATTEMPTS) return end(state, 'aborted', 'TOO_FEW_HOSPITALS');
  return tryAgain(rules, state, cohort);
}

/** @param within - who may take part in the next attempt. */
function tryAgain(rules: RunRules, state: InStage, within: readonly HospitalId[]): Step {
  const { round, attempt, model, secure } = state;
  const retry = { attempt: attempt + 1, within, threshold: secure.threshold };
  const next: In<'gathering'> = { ...members(state), phase: 'gathering', round, model, overdue: false, retry };
  return entered(rules, next);
}

/**
 * The next attempt goes on without both: one of them lies, and whoever does can cost a round one honest hospital and no more.
 * Later rounds go on without whoever did it again: {@link leftOutOver}.
 * Later than at this stage it does not matter: who complains has masked nothing, and is not in the sum.
 */
export function disputed(
  rules: RunRules,
  state: CoordinatorState,
  { planDigest, hospitalId, accused }: Extract<CoordinatorEvent, { type: 'disputed' }>,
): Step {
  if (!isSecureStage(state) || state.phase !== 'masking' || state.planDigest !== planDigest) return stay(state);
  const dealers = speakers(state, 'masking');
  const maySay = dealers.includes(hospitalId) && dealers.includes(accused) && hospitalId !== accused;
  if (!maySay || state.said.masking.has(hospitalId)) return stay(state);
  const disputes = [...state.disputes, { by: hospitalId, accused }];
  const before = leftOutOver(state.disputes);
  const hospitals = [...leftOutOver(disputes)].filter((id) => !before.has(id)).sort();
  const told: CoordinatorEffect[] =
    hospitals.length === 0 ? [] : [{ type: 'leave-out', round: state.round, hospitals }];
  const then = withoutBoth(rules, { ...state, disputes }, hospitalId, accused);
  return { state: then.state, effects: [...told, ...then.effects] };
}

function withoutBoth(rules: RunRules, state: InStage, hospitalId: HospitalId, accused: HospitalId): Step {
  const { secure, attempt, cohort } = state;
  const within = cohort.filter((id) => id !== hospitalId && id !== accused);
  if (secure.lastly !== undefined) return end(state, 'finished', secure.lastly);
  const mayGoOn = within.length >= secure.floor && attempt < ATTEMPTS;
  return mayGoOn ? tryAgain(rules, state, within) : end(state, 'aborted', 'SHARES_DISPUTED');
}

/** A phase that is left at once needs no timer. */
export function entered(rules: RunRules, next: CoordinatorState): Step {
  const then = proceed(rules, next);
  const timers = then.state.phase === next.phase ? outstanding(rules, next) : [];
  return { state: then.state, effects: [...timers, ...then.effects] };
}

export function closeRound(state: In<'collecting'>): Step {
  const updates = [...state.received.values()].sort(byHospital);
  const open = { ...openRound(state), planDigest: state.planDigest, updates };
  return { state: { ...members(state), phase: 'aggregating', ...open }, effects: [{ type: 'aggregate', ...open }] };
}

const byHospital = (a: ReceivedUpdate, b: ReceivedUpdate): number => (a.hospitalId < b.hospitalId ? -1 : 1);
