/** An update that arrives in blocks. It is whole and checked, or it is nothing: half an update never reaches a sum. */
import { AggregationError } from './errors.js';
import { checkParameterCount, checkUpdate, refuseNotFinite, type UpdateLimits } from './update.js';

export class IncomingUpdate {
  readonly #limits: UpdateLimits;
  readonly #values: Float32Array;
  #received = 0;

  /** Allocates 4 d bytes at once: d comes from the manifest, never from the sender. */
  constructor(limits: UpdateLimits) {
    checkParameterCount(limits.parameters);
    this.#limits = limits;
    this.#values = new Float32Array(limits.parameters);
  }

  /** Coordinates taken so far: the offset that the next block must have, also after a reconnection. */
  get received(): number {
    return this.#received;
  }

  /**
   * Takes the next block. A refused block leaves what was taken before as it was.
   *
   * @param offset - index of the block's first coordinate; must be {@link received}.
   * @param values - float32, at least one coordinate; copied.
   * @throws {@link AggregationError} `WRONG_BLOCK` if it is empty, out of order or runs past the end; `NOT_FINITE` with
   *   the coordinate's index in the whole update.
   */
  add(offset: number, values: Float32Array): void {
    if (offset !== this.#received || values.length === 0 || values.length > this.#values.length - offset) {
      throw new AggregationError('WRONG_BLOCK', `expected a block at ${this.#received} of ${this.#values.length}`);
    }
    refuseNotFinite(values, offset);
    this.#values.set(values, offset);
    this.#received += values.length;
  }

  /**
   * @returns The whole update, shape (d,).
   * @throws {@link AggregationError} `WRONG_LENGTH` while blocks are missing; `NORM_TOO_LARGE`.
   */
  finish(): Float32Array {
    return checkUpdate(this.#values.subarray(0, this.#received), this.#limits);
  }
}
