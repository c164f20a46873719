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
 * @param start - index of the first coordinate, for the message.
 * @returns The sum with the squares of these coordinates.
 * @throws {@link AggregationError} `NOT_FINITE`.
 */
function plusSquares(sum: number, part: Float32Array, start: number): number {
  let squares = sum;
  for (let k = 0; k < part.length; k++) squares += (part[k] as number) * (part[k] as number);
  if (!Number.isFinite(squares)) throw notFinite(part, start);
  return squares;
}

/**
 * Checks an update that arrives in parts, before anything is done with it. It never repairs: clipping here would hide a
 * broken privacy bound.
 */
export class UpdateCheck {
  #coordinates = 0;
  #squares = 0;

  constructor(private readonly limits: UpdateLimits) {
    checkParameterCount(limits.parameters);
    if (limits.maxNorm !== undefined && !(limits.maxNorm > 0)) throw new RangeError('maxNorm must be above zero');
  }

  /**
   * @param part - float32, the coordinates that follow. Not modified, not kept.
   * @throws {@link AggregationError} `NOT_FINITE` with the first bad index.
   */
  add(part: Float32Array): void {
    this.#squares = plusSquares(this.#squares, part, this.#coordinates);
    this.#coordinates += part.length;
  }

  /** L2, of the coordinates so far: a statistic of a hospital's update. */
  get norm(): number {
    return Math.sqrt(this.#squares);
  }

  /** @throws {@link AggregationError} `WRONG_LENGTH`; `NORM_TOO_LARGE`. */
  end(): void {
    const { parameters, maxNorm } = this.limits;
    if (this.#coordinates !== parameters) throw wrongLength(parameters, this.#coordinates);
    if (maxNorm !== undefined && this.#squares > maxNorm * maxNorm) {
      throw new AggregationError('NORM_TOO_LARGE', 'the update is longer than agreed');
    }
  }
}

/**
 * {@link UpdateCheck} of a whole update.
 *
 * @param update - float32, shape (d,). Not modified, not copied.
 * @returns The same array.
 * @throws {@link AggregationError} `WRONG_LENGTH`; `NOT_FINITE` with the first bad index; `NORM_TOO_LARGE`.
 */
export function checkUpdate(update: Float32Array, limits: UpdateLimits): Float32Array {
  const check = new UpdateCheck(limits);
  if (update.length !== limits.parameters) throw wrongLength(limits.parameters, update.length);
  check.add(update);
  check.end();
  return update;
}

/** @param start - index of the first coordinate of the part that holds it. */
export function notFinite(part: Float32Array, start: number): AggregationError {
  const index = part.findIndex((value) => !Number.isFinite(value));
  return new AggregationError('NOT_FINITE', `coordinate ${start + index} is not a finite number`);
}

export const wrongLength = (expected: number, got: number): AggregationError =>
  new AggregationError('WRONG_LENGTH', `expected ${expected} coordinates, got ${got}`);
