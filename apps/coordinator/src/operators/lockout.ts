/**
 * How often passwords may be tried. After a few failures an account waits, longer each time. What is tried meanwhile is
 * refused unread and makes the wait no longer, so that a stranger gets some hundred guesses a day; and a browser that has
 * signed in before (its device cookie) is counted by itself, so that a stranger who keeps an account waiting does not keep
 * its owner out. Nor do links: `consilium-coordinator operator link` signs in whatever is tried here.
 */

/** Failures before the first wait. */
const FREE = 5;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** A failure is forgotten so long after the last one. */
const FORGET_MS = 24 * 3_600_000;
/** Names that do not exist are counted as well, or the wait would tell which do; the oldest go first. */
const KEPT = 10_000;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export class Lockout {
  readonly #failures = new Map<string, Failures>();

  /** @param nowMs - a monotonic clock, milliseconds. */
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /**
   * @param account - a name, whether it exists or not.
   * @param device - of a browser that has signed in to this account; undefined for all others together.
   * @returns Milliseconds until the next try; 0: now.
   */
  waitMs(account: string, device?: string): number {
    const failures = this.#of(key(account, device));
    if (failures === undefined || failures.count < FREE) return 0;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures.count - FREE));
    return Math.max(0, failures.lastMs + waitMs - this.nowMs());
  }

  failed(account: string, device?: string): void {
    const id = key(account, device);
    const count = (this.#of(id)?.count ?? 0) + 1;
    this.#failures.delete(id);
    this.#failures.set(id, { count, lastMs: this.nowMs() });
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= KEPT) break;
      this.#failures.delete(oldest);
    }
  }

  /** Of this device alone, or of the strangers' count: what others have tried stays counted. */
  succeeded(account: string, device?: string): void {
    this.#failures.delete(key(account, device));
  }

  #of(id: string): Failures | undefined {
    const failures = this.#failures.get(id);
    if (failures === undefined || this.nowMs() - failures.lastMs < FORGET_MS) return failures;
    this.#failures.delete(id);
    return undefined;
  }
}

const key = (account: string, device: string | undefined): string => `${account}\n${device ?? ''}`;
