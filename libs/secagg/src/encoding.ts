/**
 * An update as ring elements, and a sum of them back as a mean (SPEC section 2). Clipping is checked here and never done:
 * it belongs to training, and doing it here would hide that it was left out.
 */
import { addKeystreams, secretBytes } from '@consilium/crypto';
import { requireChecksums, writeChecksums } from './checksum.js';
import { SecAggError } from './errors.js';
import { type CheckedPlan, CHECKSUM_WORDS, LEADING_WORDS } from './params.js';

/** What a hospital brings to a round. */
export interface Contribution {
  /** float32, shape (d,), dimensionless, L2 norm at most clipNorm up to its rounding to float32. Not modified. */
  readonly update: Float32Array;
  /** Training examples behind it. */
  readonly examples: number;
  /** One whole number for each metric of the plan, 0 to its max. */
  readonly metrics: readonly number[];
}

/** What a sum says. */
export interface DecodedSum {
  readonly hospitals: number;
  /** The sum of the weights: examples, or hospitals if uniform. */
  readonly weight: number;
  readonly metrics: readonly number[];
  /** float64, shape (d,): the weighted mean of the updates. */
  readonly mean: Float64Array;
}

/** Float32 rounding of a clipped update, generously. */
const NORM_SLACK = 1 + 1e-6;
const TWO_32 = 2 ** 32;

/** s: ring units for one unit of an update of full weight. One unit of zMax is left for rounding. */
export const unitsPerUpdate = ({ body, clipNorm }: CheckedPlan): number => (body.zMax - 1) / (clipNorm * NORM_SLACK);

function requireClipped({ body, clipNorm }: CheckedPlan, update: Float32Array): void {
  if (update.length !== body.parameters) {
    throw new SecAggError('WRONG_LENGTH', `expected ${body.parameters} coordinates, got ${update.length}`);
  }
  let squares = 0;
  for (let k = 0; k < update.length; k++) squares += (update[k] as number) ** 2;
  if (!Number.isFinite(squares)) {
    const index = update.findIndex((value) => !Number.isFinite(value));
    throw new SecAggError('NOT_FINITE', `coordinate ${index} is not a finite number`);
  }
  if (Math.sqrt(squares) > clipNorm * NORM_SLACK) {
    throw new SecAggError('NOT_CLIPPED', 'the update is longer than agreed');
  }
}

function requireCounts({ body }: CheckedPlan, examples: number, metrics: readonly number[]): void {
  if (!Number.isSafeInteger(examples) || examples < 1) {
    throw new SecAggError('BAD_COUNT', 'an update rests on a positive whole number of examples');
  }
  const valid = body.metrics.every(({ max }, i) => {
    const value = metrics[i];
    return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
  });
  if (metrics.length !== body.metrics.length || !valid) {
    throw new SecAggError('BAD_COUNT', 'each metric of the plan is a whole number within its bound');
  }
}

/**
 * Rounds up with the probability of the fraction, so that the expectation is exact.
 *
 * @param u - uniform on 0 to 2^32 - 1.
 */
export function roundStochastically(value: number, u: number): number {
  const floor = Math.floor(value);
  // 1 where u is below the fraction, else 0: half of the branches of a comparison would be guessed wrong.
  return floor + Math.ceil(value - floor - u / TWO_32);
}

/**
 * The raw vector of one hospital: as secret as the update, it never leaves without its masks.
 *
 * @returns u32, shape (D,): count, weight, metrics, coordinates, checksum words.
 * @throws {@link SecAggError} `WRONG_LENGTH`; `NOT_FINITE` with the first bad index; `NOT_CLIPPED`; `BAD_COUNT`.
 */
export function encodeContribution(plan: CheckedPlan, sessionId: string, contribution: Contribution): Uint32Array {
  const { update, examples, metrics } = contribution;
  requireClipped(plan, update);
  requireCounts(plan, examples, metrics);
  const { weighting, weightCap } = plan.body;
  const weight = weighting === 'uniform' ? 1 : Math.min(examples, weightCap);
  const scale = (weight / weightCap) * unitsPerUpdate(plan);
  const words = new Uint32Array(plan.words);
  words.set([1, weight, ...metrics]);
  // A stream under a fresh secret key is the CSPRNG here. Each of its words gives way to the coordinate that it rounds.
  const u = words.subarray(LEADING_WORDS + metrics.length, plan.words - CHECKSUM_WORDS);
  const coordinates = new Int32Array(u.buffer, u.byteOffset, u.length);
  const key = secretBytes(32);
  addKeystreams(u, [{ key, sign: 1 }]);
  key.fill(0);
  for (let k = 0; k < coordinates.length; k++) {
    coordinates[k] = roundStochastically((update[k] as number) * scale, u[k] as number);
  }
  writeChecksums(sessionId, words);
  return words;
}

/**
 * @param sum - Int32, shape (D,): the unmasked sum over `hospitals` survivors. Not modified.
 * @throws {@link SecAggError} `SUM_CORRUPT` if a checksum does not hold; `SUM_OUT_OF_RANGE` if no honest hospitals have it.
 */
export function decodeSum(plan: CheckedPlan, sessionId: string, sum: Int32Array, hospitals: number): DecodedSum {
  const { body, words, clipNorm } = plan;
  if (sum.length !== words) throw new SecAggError('WRONG_LENGTH', `expected ${words} words, got ${sum.length}`);
  requireChecksums(sessionId, new Uint32Array(sum.buffer, sum.byteOffset, sum.length));
  const [count, weight] = [sum[0] as number, sum[1] as number];
  require(count === hospitals, 'count');
  require(weight >= hospitals && weight <= hospitals * body.weightCap, 'weight');
  const metrics = Array.from(sum.subarray(LEADING_WORDS, LEADING_WORDS + body.metrics.length));
  require(metrics.every((value, i) => value >= 0 && value <= hospitals * (body.metrics[i]?.max ?? 0)), 'metrics');
  const coordinates = sum.subarray(LEADING_WORDS + metrics.length, words - CHECKSUM_WORDS);
  const perUnit = body.weightCap / (unitsPerUpdate(plan) * weight);
  const mean = new Float64Array(coordinates.length);
  let [squares, largest] = [0, 0];
  for (let k = 0; k < mean.length; k++) {
    const value = coordinates[k] as number;
    if (value > largest) largest = value;
    else if (-value > largest) largest = -value;
    squares += value * value;
    mean[k] = value * perUnit;
  }
  require(largest <= hospitals * body.zMax, 'a coordinate');
  // The longest mean, in ring units, plus less than one unit of rounding for each hospital and coordinate.
  const longest = (clipNorm * NORM_SLACK) / perUnit + hospitals * Math.sqrt(mean.length);
  require(Math.sqrt(squares) <= longest, 'norm');
  return { hospitals: count, weight, metrics, mean };
}

function require(holds: boolean, what: string): void {
  if (!holds) throw new SecAggError('SUM_OUT_OF_RANGE', `no honest cohort has such a sum: ${what}`);
}
