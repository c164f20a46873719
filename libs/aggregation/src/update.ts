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

function refuseNotFinite(values: Float32Array): void {
  // x - x is 0 for a finite x and NaN for every other. Without a branch in the loop the check costs what reading costs.
  let differences = 0;
  for (let k = 0; k < values.length; k++) differences += (values[k] as number) - (values[k] as number);
  if (differences === 0) return;
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k])) {
      throw new AggregationError('NOT_FINITE', `coordinate ${k} is not a finite number`);
    }
  }
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
  refuseNotFinite(update);
  if (maxNorm !== undefined) {
    if (!(maxNorm > 0)) throw new RangeError('maxNorm must be above zero');
    let squares = 0;
    for (const value of update) squares += value * value;
    if (squares > maxNorm * maxNorm) throw new AggregationError('NORM_TOO_LARGE', 'the update is longer than agreed');
  }
  return update;
}
