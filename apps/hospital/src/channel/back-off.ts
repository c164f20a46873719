/**
 * Pauses that grow and differ: after a coordinator's restart all its hospitals come back at once, and those who were turned
 * away must not come back together again.
 *
 * @see Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015 ("full jitter")
 */
import { limits } from '@consilium/protocol';

export const FIRST_PAUSE_MS = 500;
export const LONGEST_PAUSE_MS = limits.reconnectPauseMs;

export class BackOff {
  #failures = 0;

  /** @param below - a random whole number from 0 to below its argument; by default the largest. */
  constructor(private readonly below: (limit: number) => number = (limit) => limit - 1) {}

  /** @returns The next pause: anything from nothing to twice what the last one could be. */
  nextMs(): number {
    const limit = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    if (limit < LONGEST_PAUSE_MS) this.#failures += 1;
    return this.below(limit + 1);
  }

  /** The trouble is over: the next pause is a first one. */
  reset(): void {
    this.#failures = 0;
  }
}
