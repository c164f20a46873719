/** FedAvg: the mean of the hospitals' updates, each weighted by its number of examples. */
import { AggregationError } from './errors.js';
import { checkParameterCount, checkUpdate } from './update.js';

/**
 * mean[k] = (sum over hospitals of weight * update[k]) / (sum of weights), accumulated in float64.
 *
 * Add the updates **in the order of the hospital ids**: floating-point sums depend on their order, and only a fixed order
 * lets an auditor recompute a round bit by bit.
 *
 * @see McMahan et al., AISTATS 2017, algorithm 1
 */
export class WeightedMean {
  readonly #sum: Float64Array;
  #totalWeight = 0;

  /** @param parameters - d. */
  constructor(parameters: number) {
    checkParameterCount(parameters);
    this.#sum = new Float64Array(parameters);
  }

  /** Examples counted so far. */
  get totalWeight(): number {
    return this.#totalWeight;
  }

  /**
   * Adds one update, or throws and leaves the mean exactly as it was.
   *
   * @param update - float32, shape (d,). Not modified, not kept.
   * @param weight - number of examples it was trained on, a positive safe integer.
   * @throws {@link AggregationError} `BAD_WEIGHT`, also if the weights' sum would leave the safe integers;
   *   `WRONG_LENGTH`; `NOT_FINITE` with the first bad index.
   */
  add(update: Float32Array, weight: number): void {
    const totalWeight = this.#totalWeight + weight;
    if (!Number.isSafeInteger(weight) || weight < 1 || !Number.isSafeInteger(totalWeight)) {
      throw new AggregationError('BAD_WEIGHT', 'a weight must be a positive whole number of examples');
    }
    const sum = this.#sum;
    checkUpdate(update, { parameters: sum.length });
    // Finite float32 times a safe integer, summed, stays below 2^182: no coordinate can overflow from here on.
    for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] as number) + weight * (update[k] as number);
    this.#totalWeight = totalWeight;
  }

  /**
   * @returns A new array, shape (d,). More updates may be added afterwards.
   * @throws {@link AggregationError} `EMPTY_MEAN` if nothing was added.
   */
  result(): Float64Array {
    if (this.#totalWeight === 0) throw new AggregationError('EMPTY_MEAN', 'no update was added');
    const [sum, totalWeight] = [this.#sum, this.#totalWeight];
    const mean = new Float64Array(sum.length);
    for (let k = 0; k < mean.length; k++) mean[k] = (sum[k] as number) / totalWeight;
    return mean;
  }
}

/**
 * The new global parameters: float32(global + mean), one rounding per coordinate. The server's learning rate is 1.
 *
 * @param global - float32, shape (d,). Not modified.
 * @param mean - float64, shape (d,), from {@link WeightedMean.result}.
 * @throws {@link AggregationError} `WRONG_LENGTH`; `NOT_FINITE` with the index of a sum that float32 cannot hold.
 */
export function applyMean(global: Float32Array, mean: Float64Array): Float32Array {
  if (global.length !== mean.length) {
    throw new AggregationError('WRONG_LENGTH', `expected ${global.length} coordinates, got ${mean.length}`);
  }
  const next = new Float32Array(global.length);
  for (let k = 0; k < next.length; k++) next[k] = (global[k] as number) + (mean[k] as number);
  return checkUpdate(next, { parameters: next.length });
}
