/** One hospital's update as it arrives: a flat float32 vector (d,) that nobody has vouched for yet. */
import { AggregationError } from './errors.js';

export interface UpdateLimits {
  /** d, the length of the flat parameter vector. */
  readonly parameters: number;
  /**
   * Largest L2 norm accepted, > 0, dimensionless. A sender clips in floating point and rounds to float32, so leave slack:
   * `clipNorm * (1 + 1e-6)`. Absent: any finite update passes.
   */
  readonly maxNorm?: number;
}

/** @throws {@link RangeError} unless `parameters` is a positive safe integer: the caller read it from its own manifest. */
export function checkParameterCount(parameters: number): void {
  if (!Number.isSafeInteger(parameters) || parameters < 1)
    throw new RangeError('parameters must be a positive integer');
}

/**
 * One pass for both checks: squares of finite float32 numbers sum to a finite float64 whatever their number, and with any
 * other number the sum is Infinity or NaN. Indices, not an iterator: the pass costs what reading costs.
 *
 * @returns The squared L2 norm.
 * @throws {@link AggregationError} `NOT_FINITE`.
 */
function finiteSquaredNorm(update: Float32Array): number {
  let squares = 0;
  for (let k = 0; k < update.length; k++) squares += (update[k] as number) * (update[k] as number);
  if (!Number.isFinite(squares)) {
    const index = update.findIndex((value) => !Number.isFinite(value));
    throw new AggregationError('NOT_FINITE', `coordinate ${index} is not a finite number`);
  }
  return squares;
}

/**
 * Checks a whole update before anything is done with it. It never repairs: clipping here would hide a broken privacy bound.
 *
 * @param update - float32, shape (d,). Not modified, not copied.
 * @returns The same array.
 * @throws {@link AggregationError} `WRONG_LENGTH`; `NOT_FINITE` with the first bad index; `NORM_TOO_LARGE`.
 */
export function checkUpdate(update: Float32Array, { parameters, maxNorm }: UpdateLimits): Float32Array {
  checkParameterCount(parameters);
  if (update.length !== parameters) {
    throw new AggregationError('WRONG_LENGTH', `expected ${parameters} coordinates, got ${update.length}`);
  }
  const squares = finiteSquaredNorm(update);
  if (maxNorm !== undefined) {
    if (!(maxNorm > 0)) throw new RangeError('maxNorm must be above zero');
    if (squares > maxNorm * maxNorm) throw new AggregationError('NORM_TOO_LARGE', 'the update is longer than agreed');
  }
  return update;
}
