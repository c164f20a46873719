/** Time behind a port: monotonic, so that no jump of the wall clock ends a round, and simulated in tests. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. */
  nowMs(): number;
  /** @returns What cancels it. */
  after(delayMs: number, ring: () => void): () => void;
  sleep(delayMs: number): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, ring) => {
    const timer = setTimeout(ring, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
  sleep: async (delayMs) => {
    await sleep(delayMs);
  },
};
