/** FedAvg: the mean of the hospitals' updates, each weighted by its number of examples. */
import { AggregationError } from './errors.js';
import { checkParameterCount, checkUpdate, notFinite, wrongLength } from './update.js';

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
  #isTaken = false;

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
    if (this.#isTaken) throw new TypeError('the mean was taken');
    this.#isPartial = true;
    const sum = this.#sum;
    let next = 0;
    return {
      add: (part) => {
        if (part.length > sum.length - next) {
          throw new AggregationError('WRONG_LENGTH', `expected ${sum.length} coordinates, got more`);
        }
        const squares = addWeighted(sum.subarray(next, next + part.length), part, weight);
        if (!Number.isFinite(squares)) throw notFinite(part, next);
        next += part.length;
      },
      end: () => {
        if (next !== sum.length) throw wrongLength(sum.length, next);
        this.#totalWeight = totalWeight;
        this.#isPartial = false;
      },
    };
  }

  /**
   * Takes the mean, in the memory of the sum: for a large model there is not room for both. Nothing can be added afterwards.
   *
   * @returns float64, shape (d,), the caller's.
   * @throws {@link AggregationError} `EMPTY_MEAN` if nothing was added.
   * @throws TypeError in the middle of an update, and the second time.
   */
  result(): Float64Array {
    if (this.#isPartial) throw new TypeError('an update is half added');
    if (this.#isTaken) throw new TypeError('the mean was taken');
    if (this.#totalWeight === 0) throw new AggregationError('EMPTY_MEAN', 'no update was added');
    this.#isTaken = true;
    const [sum, totalWeight] = [this.#sum, this.#totalWeight];
    for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] as number) / totalWeight;
    return sum;
  }
}

/**
 * sum += weight * part, and whether the part is finite, in one pass. Finite float32 times a safe integer, summed, stays below
 * 2^182: no coordinate can overflow.
 *
 * @returns The sum of the squares of the part: finite if all of it is.
 */
function addWeighted(sum: Float64Array, part: Float32Array, weight: number): number {
  let squares = 0;
  for (let k = 0; k < part.length; k++) {
    const value = part[k] as number;
    squares += value * value;
    sum[k] = (sum[k] as number) + weight * value;
  }
  return squares;
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
