/** FedAvg: the mean of the hospitals' updates, each weighted by its number of examples. */
import { AggregationError } from './errors.js';
import { checkParameterCount, checkUpdate, UpdateCheck } from './update.js';

export interface PartwiseAddition {
  /**
   * @param part - float32, the coordinates that follow. Not modified, not kept.
   * @throws {@link AggregationError} `NOT_FINITE`; `WRONG_LENGTH` for more than d.
   */
  add(part: Float32Array): void;
  /** @throws {@link AggregationError} `WRONG_LENGTH` for fewer than d. */
  end(): void;
}

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
  #isPartial = false;

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
    const adding = this.begin(weight);
    try {
      checkUpdate(update, { parameters: this.#sum.length });
    } catch (error) {
      this.#isPartial = false;
      throw error;
    }
    adding.add(update);
    adding.end();
  }

  /**
   * Begins to add one update that comes in parts. From the first part until it has ended there is no mean: who gives up in
   * between discards the whole object.
   *
   * @param weight - number of examples it was trained on, a positive safe integer.
   * @throws {@link AggregationError} `BAD_WEIGHT`, also if the weights' sum would leave the safe integers.
   */
  begin(weight: number): PartwiseAddition {
    const totalWeight = this.#totalWeight + weight;
    if (!Number.isSafeInteger(weight) || weight < 1 || !Number.isSafeInteger(totalWeight)) {
      throw new AggregationError('BAD_WEIGHT', 'a weight must be a positive whole number of examples');
    }
    if (this.#isPartial) throw new TypeError('one update is added at a time');
    this.#isPartial = true;
    const sum = this.#sum;
    const check = new UpdateCheck({ parameters: sum.length });
    let next = 0;
    return {
      add: (part) => {
        if (part.length > sum.length - next) {
          throw new AggregationError('WRONG_LENGTH', `expected ${sum.length} coordinates, got more`);
        }
        check.add(part);
        // Finite float32 times a safe integer, summed, stays below 2^182: no coordinate can overflow from here on.
        const start = next;
        for (let k = 0; k < part.length; k++) {
          sum[start + k] = (sum[start + k] as number) + weight * (part[k] as number);
        }
        next += part.length;
      },
      end: () => {
        check.end();
        this.#totalWeight = totalWeight;
        this.#isPartial = false;
      },
    };
  }

  /**
   * @returns A new array, shape (d,). More updates may be added afterwards.
   * @throws {@link AggregationError} `EMPTY_MEAN` if nothing was added.
   * @throws TypeError in the middle of an update.
   */
  result(): Float64Array {
    if (this.#isPartial) throw new TypeError('an update is half added');
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
