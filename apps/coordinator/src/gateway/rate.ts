/** How much one connection may ask for: a bucket that refills with time. */
import { limits } from '@consilium/protocol';

export class RateLimit {
  #tokens: number = limits.messagesPerSecond;
  #filledMs: number;

  /** @param nowMs - a monotonic clock, milliseconds. */
  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.#filledMs = nowMs();
  }

  /** @returns Whether one more message is within the limit. */
  take(): boolean {
    const now = this.nowMs();
    const refill = ((now - this.#filledMs) / 1_000) * limits.messagesPerSecond;
    this.#tokens = Math.min(limits.messagesPerSecond, this.#tokens + refill);
    this.#filledMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
