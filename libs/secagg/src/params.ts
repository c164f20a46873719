/** The plan's numbers, and what makes them safe (SPEC section 1). A plan that is not safe is refused, never repaired. */
import { fromHex } from '@consilium/bytes';
import { isSafePublicKey } from '@consilium/crypto';
import { SecAggError } from './errors.js';
import type { Header, Opened } from './messages.js';

export type RosterEntry = {
  readonly hospitalId: string;
  /** Ed25519, 64 hex digits. */
  readonly identityKey: string;
  /** Where this hospital's shares lie, 1 to 200. */
  readonly x: number;
};
export type Metric = { readonly name: string; readonly max: number };

/** Body of the `plan` statement, `from` the coordinator. Its planDigest is the digest of the statement itself. */
export type SecAggPlan = Omit<Header, 'planDigest'> & {
  readonly mode: 'secagg';
  readonly configDigest: string;
  readonly model: string;
  readonly roster: readonly RosterEntry[];
  /** c: corrupt hospitals tolerated. */
  readonly tolerated: number;
  /** t: shares that rebuild a secret. */
  readonly threshold: number;
  readonly minCohort: number;
  readonly weighting: 'examples' | 'uniform';
  /** Largest L2 norm of an update, dimensionless, decimal text. */
  readonly clipNorm: string;
  readonly weightCap: number;
  readonly zMax: number;
  readonly parameters: number;
  readonly metrics: readonly Metric[];
  /** Milliseconds since 1970, UTC. */
  readonly issuedAtMs: number;
  readonly deadlineMs: number;
};

/** A plan that {@link checkPlan} has seen: everything below takes only such. */
export interface CheckedPlan {
  readonly body: SecAggPlan;
  readonly digest: string;
  readonly clipNorm: number;
  /** D: words of a masked vector. */
  readonly words: number;
  /** The fewest members that U1, U2 and U3 may have. */
  readonly floor: number;
}

export const MAX_HOSPITALS = 200;
export const RING_MAX = 2 ** 31 - 1;
export const CHECKSUM_WORDS = 4;
/** Count and weight stand before the metrics. */
export const LEADING_WORDS = 2;
/** Of a sum of two each of the two knows the other's update. */
export const LEAST_IN_SUM = 3;
/** A masked vector is a blob of 64 MiB at most. */
export const MAX_WORDS = 2 ** 24;
const MAX_METRICS = 16;
const MIN_Z_MAX = 2 ** 10;

/**
 * The least threshold with which a coordinator and `tolerated` hospitals together cannot rebuild both secrets of another.
 *
 * @see Bonawitz et al. 2017, section 6.2; SPEC section 1 for the argument.
 */
export function safeThreshold(hospitals: number, tolerated: number): number {
  return Math.floor((hospitals + tolerated) / 2) + 1;
}

/** c where nobody has chosen another: of a third the threshold still lets as many drop out. */
export function usualTolerance(hospitals: number): number {
  return Math.floor((hospitals - 1) / 3);
}

/** The smallest cohort of which so many may be corrupt: a sum then has the updates of two others. */
export function leastInCohort(tolerated: number): number {
  return Math.max(LEAST_IN_SUM, tolerated + 2);
}

/** D: words of a masked vector. */
export function wordsOf(parameters: number, metrics: number): number {
  return LEADING_WORDS + metrics + parameters + CHECKSUM_WORDS;
}

/** Whether a sum of so many values of that magnitude stays within Int32. */
export function ringHolds(hospitals: number, largest: number): boolean {
  return hospitals * largest <= RING_MAX;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

function require(holds: boolean, why: string): asserts holds {
  if (!holds) throw new SecAggError('PLAN_UNSAFE', why);
}

function checkRoster(roster: readonly RosterEntry[]): void {
  require(roster.length >= LEAST_IN_SUM &&
    roster.length <= MAX_HOSPITALS, `a cohort has ${LEAST_IN_SUM} to ${MAX_HOSPITALS} hospitals`);
  roster.forEach(({ x }, at) => {
    require(isWhole(x, (roster[at - 1]?.x ?? 0) + 1, MAX_HOSPITALS), 'x must be ascending, from 1 to 200');
  });
  require(new Set(roster.map(({ hospitalId }) => hospitalId)).size === roster.length, 'a hospital is named twice');
  require(new Set(roster.map(({ identityKey }) => identityKey)).size === roster.length, 'two hospitals share a key');
  require(roster.every(({ identityKey }) => isSafePublicKey(fromHex(identityKey))), 'an identity key is not safe');
}

function checkRing({ roster, weighting, weightCap, zMax, parameters, metrics }: SecAggPlan): void {
  const n = roster.length;
  require(isWhole(zMax, MIN_Z_MAX, RING_MAX) && ringHolds(n, zMax), 'the sum of coordinates could wrap');
  require(isWhole(weightCap, 1, RING_MAX) && ringHolds(n, weightCap), 'the sum of weights could wrap');
  require(weighting === 'examples' || weightCap === 1, 'uniform weighting has a weight cap of 1');
  // None where only metrics are summed.
  require(isWhole(parameters, 0, MAX_WORDS), `an update has at most ${MAX_WORDS} parameters`);
  require(metrics.length <= MAX_METRICS, `at most ${MAX_METRICS} metrics`);
  require(new Set(metrics.map(({ name }) => name)).size === metrics.length, 'a metric is named twice');
  require(metrics.every(({ max }) => isWhole(max, 1, RING_MAX) && ringHolds(n, max)), 'the sum of a metric could wrap');
}

/**
 * @param plan - the coordinator's statement, its signature verified and its schema checked by the caller.
 * @throws {@link SecAggError} `PLAN_UNSAFE`.
 */
export function checkPlan({ body, digest }: Pick<Opened<SecAggPlan>, 'body' | 'digest'>): CheckedPlan {
  checkRoster(body.roster);
  const { tolerated, threshold, minCohort } = body;
  const n = body.roster.length;
  require(isWhole(tolerated, 0, n), 'tolerated is a count of hospitals');
  require(isWhole(threshold, safeThreshold(n, tolerated), n), 'the threshold does not hold against so many');
  require(threshold - tolerated >= 2, 'a sum could hold one honest update alone');
  require(isWhole(minCohort, 1, n), 'minCohort is a count of hospitals');
  const clipNorm = Number(body.clipNorm);
  require(Number.isFinite(clipNorm) && clipNorm > 0, 'clipNorm must be above zero');
  checkRing(body);
  require(isWhole(body.issuedAtMs, 0, body.deadlineMs), 'a plan ends after it begins');
  const words = wordsOf(body.parameters, body.metrics.length);
  require(words <= MAX_WORDS, `a masked vector has at most ${MAX_WORDS} words`);
  return { body, digest, clipNorm, words, floor: Math.max(threshold, minCohort, LEAST_IN_SUM) };
}

/** @throws {@link SecAggError} `TOO_FEW`. */
export function requireEnough(plan: CheckedPlan, members: number, what: string): void {
  if (members < plan.floor) throw new SecAggError('TOO_FEW', `${members} ${what}, and ${plan.floor} are needed`);
}
