/** Where the wall time of a node went. */

export type Activity = 'preparing' | 'training' | 'transfer' | 'evaluating' | 'waiting';

export class Stopwatch {
  readonly #spentMs: Record<Activity, number> = { preparing: 0, training: 0, transfer: 0, evaluating: 0, waiting: 0 };
  #activity: Activity = 'waiting';
  #sinceMs: number;

  /** @param nowMs - a monotonic clock, milliseconds. */
  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.#sinceMs = nowMs();
  }

  switchTo(activity: Activity): void {
    const now = this.nowMs();
    this.#spentMs[this.#activity] += now - this.#sinceMs;
    this.#activity = activity;
    this.#sinceMs = now;
  }

  async during<T>(activity: Activity, work: () => Promise<T>): Promise<T> {
    const before = this.#activity;
    this.switchTo(activity);
    try {
      return await work();
    } finally {
      this.switchTo(before);
    }
  }

  /** Seconds by activity, up to now. */
  seconds(): Record<Activity, number> {
    this.switchTo(this.#activity);
    const entries = Object.entries(this.#spentMs).map(([activity, ms]) => [activity, ms / 1_000]);
    return Object.fromEntries(entries) as Record<Activity, number>;
  }
}
