/** How much one connection may ask for: a bucket that refills with time. */
import { limits } from '@consilium/protocol';

export class RateLimit {
  #tokens: number;
  #filledMs: number;

  /** @param nowMs - a monotonic clock, milliseconds. @param perSecond - also how many may come at once. */
  constructor(
    private readonly nowMs: () => number = () => performance.now(),
    private readonly perSecond: number = limits.messagesPerSecond,
  ) {
    this.#tokens = perSecond;
    this.#filledMs = nowMs();
  }

  /** @returns Whether one more message is within the limit. */
  take(): boolean {
    const now = this.nowMs();
    const refill = ((now - this.#filledMs) / 1_000) * this.perSecond;
    this.#tokens = Math.min(this.perSecond, this.#tokens + refill);
    this.#filledMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
