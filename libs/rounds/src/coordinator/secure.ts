/**
 * What a stage of a secure round waits for, and when it is over. Who spoke at one stage may speak at the next; a stage ends
 * when nobody is awaited any more, or its time is over, and it must have enough (libs/secagg/SPEC.md, sections 1 and 5).
 */
import { LEAST_IN_SUM, safeThreshold } from '@consilium/secagg';
import type { HospitalId } from '@consilium/protocol';
import {
  SECURE_STAGES,
  type CoordinatorEvent,
  type CoordinatorState,
  type RunRules,
  type SecureRound,
  type SecureRules,
  type SecureStage,
  type SecureTerms,
  type SecureWords,
} from './state.js';

export type InStage = Extract<CoordinatorState, { phase: SecureStage }>;

export const isSecureStage = (state: CoordinatorState): state is InStage =>
  (SECURE_STAGES as readonly string[]).includes(state.phase);

export const NOTHING_SAID: SecureWords = {
  advertising: new Map(),
  sharing: new Map(),
  masking: new Map(),
  agreeing: new Map(),
  unmasking: new Map(),
};

/** @param threshold - of an earlier attempt of the round, which stays; absent: that of so many hospitals. */
export function secureTerms(
  { tolerated }: SecureRules,
  { minHospitals }: Pick<RunRules, 'minHospitals'>,
  hospitals: number,
  threshold = safeThreshold(hospitals, tolerated),
): Omit<SecureTerms, 'lastly'> {
  return { threshold, floor: Math.max(threshold, minHospitals, LEAST_IN_SUM) };
}

/** The stage before; undefined for the first. */
const before = (stage: SecureStage): SecureStage | undefined => SECURE_STAGES[SECURE_STAGES.indexOf(stage) - 1];

/** The stage after; undefined for the last. */
export const after = (stage: SecureStage): SecureStage | undefined => SECURE_STAGES[SECURE_STAGES.indexOf(stage) + 1];

/** Who may speak at a stage. */
export function speakers({ cohort, said }: Pick<SecureRound, 'cohort' | 'said'>, stage: SecureStage): HospitalId[] {
  // Whose vector is in the sum may help to open it, agreed in time or not: t agreements are there by then.
  const earlier = stage === 'unmasking' ? 'masking' : before(stage);
  return earlier === undefined ? [...cohort] : [...said[earlier].keys()].sort();
}

/** @returns The state with this word in it; undefined where it has no meaning. */
export function withWord(state: InStage, event: Extract<CoordinatorEvent, { type: 'said' }>): InStage | undefined {
  const { hospitalId, stage, planDigest, word } = event;
  if (planDigest !== state.planDigest || stage !== state.phase) return undefined;
  if (!speakers(state, stage).includes(hospitalId) || state.declined.has(hospitalId)) return undefined;
  if (state.said[stage].has(hospitalId)) return undefined;
  return { ...state, said: { ...state.said, [stage]: new Map(state.said[stage]).set(hospitalId, word) } };
}

/** Who is still waited for. */
export const awaitedIn = (state: InStage): HospitalId[] =>
  speakers(state, state.phase).filter(
    (id) => !state.said[state.phase].has(id) && !state.declined.has(id) && !state.absent.has(id),
  );

/** @param isOver - its time is. */
export function verdict(rules: RunRules, state: InStage, isOver: boolean): 'wait' | 'close' | 'fail' {
  const { phase, said, secure } = state;
  const spoken = said[phase].size;
  const awaited = awaitedIn(state).length;
  // To agree and to open, t of them are enough: waiting for more would only make more of them necessary.
  if (phase === 'agreeing' || phase === 'unmasking') {
    if (spoken >= secure.threshold) return 'close';
    // Nothing comes after a failed opening: whoever is away has the whole time to come back.
    const isHopeless = phase === 'agreeing' && spoken + awaited < secure.threshold;
    return isOver || isHopeless ? 'fail' : 'wait';
  }
  if (isOver || awaited === 0) return spoken >= secure.floor ? 'close' : 'fail';
  if (spoken + awaited < secure.floor) return 'fail';
  const quorum = state.quorumDue && phase === 'advertising' ? (rules.quorum?.hospitals ?? Infinity) : Infinity;
  return spoken >= Math.max(secure.floor, quorum) ? 'close' : 'wait';
}

export const stageTimer = ({ round, attempt }: Pick<SecureRound, 'round' | 'attempt'>, stage: SecureStage): string =>
  `stage:${round}:${attempt}:${stage}`;

export function secureRound(state: SecureRound): SecureRound {
  const { round, attempt, model, cohort, secure, planDigest, said, declined, quorumDue } = state;
  return { round, attempt, model, cohort, secure, planDigest, said, declined, quorumDue };
}
