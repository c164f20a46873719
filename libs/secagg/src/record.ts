/**
 * What a hospital remembers of a run, and what that forbids (SPEC section 6, R1 to R4). Pure: the caller makes the returned
 * record durable **before** it sends what the record allows, so that a crash can lose a message and never a refusal.
 * There is no secret in it.
 */
import { SecAggError } from './errors.js';
import type { CheckedPlan } from './params.js';

type Attempt = {
  readonly round: number;
  readonly attempt: number;
  readonly planDigest: string;
  readonly threshold: number;
  /** Ids of the plan's hospitals. */
  readonly roster: readonly string[];
};
export type OpenAttempt = Attempt &
  (
    | { readonly said: 'adverted' }
    | { readonly said: 'dealt'; readonly sessionId: string }
    | { readonly said: 'masked'; readonly sessionId: string; readonly u2Digest: string }
    | { readonly said: 'agreed' | 'unmasked'; readonly sessionId: string; readonly survivorsDigest: string }
  );

export type HospitalRecord = {
  readonly runId: string;
  /** 0 before the first round. */
  readonly lastCompleted: number;
  readonly open: OpenAttempt | null;
  /** The last completed round summed figures alone: nothing follows it. */
  readonly isOver?: true;
};

/** A hospital's own terms: a plan may be stricter, never laxer. */
export interface LocalPolicy {
  readonly minTolerated: number;
  readonly minCohort: number;
  /** How old a plan may be, and how far the coordinator's clock may be ahead. */
  readonly maxPlanAgeMs: number;
  readonly clockToleranceMs: number;
}

export function startRecord(runId: string): HospitalRecord {
  return { runId, lastCompleted: 0, open: null };
}

function refuse(code: 'PLAN_UNSAFE' | 'PLAN_STALE' | 'RETRY_REFUSED' | 'ALREADY_SAID', why: string): never {
  throw new SecAggError(code, why);
}

function requireRetry(open: OpenAttempt, { body, digest }: CheckedPlan): void {
  if (open.planDigest === digest) refuse('ALREADY_SAID', 'this plan was answered before');
  if (open.said === 'unmasked') refuse('RETRY_REFUSED', 'this round may have been opened: a second sum would show one');
  if (body.attempt <= open.attempt) refuse('PLAN_STALE', 'a later attempt of this round is known');
  if (body.threshold !== open.threshold) refuse('RETRY_REFUSED', 'a later attempt must keep the threshold');
  const known = new Set(open.roster);
  if (body.roster.some(({ hospitalId }) => !known.has(hospitalId))) {
    refuse('RETRY_REFUSED', 'a later attempt must not have other hospitals');
  }
}

/**
 * Before `advert`.
 *
 * @param nowMs - milliseconds since 1970, UTC.
 * @throws {@link SecAggError} `PLAN_STALE`, `PLAN_UNSAFE` for one below the policy, `ALREADY_SAID`, `RETRY_REFUSED`.
 */
export function recordAdvert(
  record: HospitalRecord,
  plan: CheckedPlan,
  policy: LocalPolicy,
  nowMs: number,
): HospitalRecord {
  const { runId, round, attempt, threshold, roster, issuedAtMs, deadlineMs, tolerated } = plan.body;
  if (runId !== record.runId) refuse('PLAN_STALE', 'a plan of another run');
  if (round !== record.lastCompleted + 1) refuse('PLAN_STALE', `expected round ${record.lastCompleted + 1}`);
  // Figures of one head are the same each time: a second sum of them, over others, would show one hospital's.
  if (record.isOver === true) refuse('PLAN_UNSAFE', 'the figures of the last head were summed: nothing follows them');
  if (record.open?.round === round) requireRetry(record.open, plan);
  if (nowMs > deadlineMs || nowMs - issuedAtMs > policy.maxPlanAgeMs) refuse('PLAN_STALE', 'the plan is over');
  if (issuedAtMs - nowMs > policy.clockToleranceMs) refuse('PLAN_STALE', 'the plan is of the future');
  if (tolerated < policy.minTolerated || plan.floor < policy.minCohort) {
    refuse('PLAN_UNSAFE', 'the plan protects less than this hospital asks for');
  }
  const ids = roster.map(({ hospitalId }) => hospitalId);
  const open = { round, attempt, planDigest: plan.digest, threshold, roster: ids, said: 'adverted' } as const;
  return { ...record, open };
}

/** Before `shares`: keys that were dealt in two sessions could be opened from both sides. */
export function recordDealt(record: HospitalRecord, { digest }: CheckedPlan, sessionId: string): HospitalRecord {
  const { open } = record;
  if (open?.said !== 'adverted' || open.planDigest !== digest) refuse('ALREADY_SAID', 'these keys are not to be dealt');
  return { ...record, open: { ...open, said: 'dealt', sessionId } };
}

/** Before `masked`. */
export function recordMasked(record: HospitalRecord, sessionId: string, u2Digest: string): HospitalRecord {
  const { open } = record;
  if (open?.said !== 'dealt' || open.sessionId !== sessionId)
    refuse('ALREADY_SAID', 'no vector is due in this session');
  return { ...record, open: { ...open, said: 'masked', u2Digest } };
}

/** Before `agree`: one survivor set in a session, ever. */
export function recordAgreed(record: HospitalRecord, sessionId: string, survivorsDigest: string): HospitalRecord {
  const { open } = record;
  if (open?.said !== 'masked' || open.sessionId !== sessionId) refuse('ALREADY_SAID', 'no survivor set is due');
  const { round, attempt, planDigest, threshold, roster } = open;
  const kept = { round, attempt, planDigest, threshold, roster, sessionId };
  return { ...record, open: { ...kept, said: 'agreed', survivorsDigest } };
}

/** Before `unmask`: from here on no other attempt of this round, whatever the coordinator says about it. */
export function recordUnmasked(record: HospitalRecord, sessionId: string, survivorsDigest: string): HospitalRecord {
  const { open } = record;
  if (open?.said !== 'agreed' || open.sessionId !== sessionId || open.survivorsDigest !== survivorsDigest) {
    refuse('ALREADY_SAID', 'no shares are due for this survivor set');
  }
  return { ...record, open: { ...open, said: 'unmasked' } };
}

/**
 * Before an announced sum is believed: shares that this hospital gave opened one attempt, and no other of that round.
 *
 * @throws {@link SecAggError} `RETRY_REFUSED`.
 */
export function requireOneSum({ open }: HospitalRecord, round: number, planDigest: string): void {
  if (open?.said === 'unmasked' && open.round === round && open.planDigest !== planDigest) {
    refuse('RETRY_REFUSED', 'a sum of another attempt than the one that this hospital helped to open');
  }
}

/**
 * After the aggregate of the next round was verified, also by a hospital that took no part in it.
 *
 * @param isLast - its plan asked for figures alone.
 * @throws {@link SecAggError} `PLAN_STALE` for any other round: completed rounds do not come back.
 */
export function recordCompleted(record: HospitalRecord, round: number, isLast = false): HospitalRecord {
  if (round !== record.lastCompleted + 1) refuse('PLAN_STALE', `expected round ${record.lastCompleted + 1}`);
  return { ...record, lastCompleted: round, open: null, ...(isLast && { isOver: true }) };
}
