/** One coordinator leads a store; others wait. What a stale leader might still write, the store refuses by its token. */
import { StoreError, type Lease, type RunStore } from '@consilium/store';
import type { Clock } from './clock.js';

/** Short, so that a standby takes over within seconds; renewals are cheap. */
const LEASE_TTL_MS = 3_000;
const RENEWAL_MS = 1_000;

export interface LeadershipPorts {
  readonly store: RunStore;
  readonly clock: Clock;
  /** The same for every process of one home folder, and of no other: such a process need not wait for its own lease. */
  readonly holder: string;
  readonly waiting: () => void;
  readonly lost: (why: StoreError) => void;
  readonly signal?: AbortSignal;
}

export class Leadership {
  #cancel: (() => void) | undefined;
  #isOver = false;

  private constructor(
    private readonly ports: LeadershipPorts,
    readonly lease: Lease,
  ) {
    this.#renewLater();
  }

  /** Resolves when this process leads, however long that takes. Rejects when the signal is aborted. */
  static async gain(ports: LeadershipPorts): Promise<Leadership> {
    const { store, clock, holder, waiting, signal } = ports;
    for (let told = false; ;) {
      signal?.throwIfAborted();
      const lease = await store.acquireLease(holder, LEASE_TTL_MS).catch((error: unknown) => {
        if (error instanceof StoreError && error.code === 'STORE_UNAVAILABLE') return undefined;
        throw error;
      });
      if (lease !== undefined) return new Leadership(ports, lease);
      if (!told) waiting();
      told = true;
      await clock.sleep(RENEWAL_MS / 4);
    }
  }

  /** Lets another lead at once. */
  async giveUp(): Promise<void> {
    this.#isOver = true;
    this.#cancel?.();
    await this.ports.store.releaseLease(this.lease).catch(() => undefined);
  }

  #renewLater(): void {
    this.#cancel = this.ports.clock.after(RENEWAL_MS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    // A store that does not answer is no proof that another leads: it cannot have answered that one either.
    const renewed = await this.ports.store.renewLease(this.lease, LEASE_TTL_MS).catch(() => true);
    // Given up while the store was asked: a timer that is set again now would outlive the process's work.
    if (this.#isOver) return;
    if (renewed) this.#renewLater();
    else this.ports.lost(new StoreError('LEASE_LOST', 'another coordinator has taken over this store'));
  }
}
