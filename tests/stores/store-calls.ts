/** What the tests of every store share: opening one, calling it, and the plain oracles beside it. */
import { createHash } from 'node:crypto';
import { StoreError, type Entry, type Lease, type RunStore, type StoreErrorCode } from '@consilium/store';
import { SeededRandom } from '@consilium/tensors';
import { afterEach, beforeEach } from 'vitest';

export type Opener = () => Promise<RunStore>;

export const LONG_MS = 60_000;
export const CREATED_AT = '2026-01-02T03:04:05.000Z';

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export function randomBytes(seed: string, length: number): Uint8Array {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length }, () => random.integer(256));
}

export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

export const eventsOf = async (store: RunStore, runId: string, fromSeq?: number): Promise<string[]> =>
  (await gather(store.events(runId, fromSeq))).map(({ event }) => event);

/** @returns the code with which it was refused, or 'resolved'. */
export const outcome = (call: Promise<unknown>): Promise<StoreErrorCode | 'resolved'> =>
  call.then(
    () => 'resolved' as const,
    (error: unknown) => {
      if (error instanceof StoreError) return error.code;
      throw error;
    },
  );

export async function lead(store: RunStore, holder = 'first'): Promise<Lease> {
  const lease = await store.acquireLease(holder, LONG_MS);
  if (lease === undefined) throw new Error('the lease is taken');
  return lease;
}

export const event = (i: number): Entry => ({ event: JSON.stringify({ i }) });

export interface Stores {
  /** Opened anew for each test. */
  store: RunStore;
  readonly open: Opener;
  /** Leads, and has created this run. */
  readonly run: (runId?: string) => Promise<Lease>;
}

/** Opens a new store before each test, and closes after it whatever the test opened. */
export function freshStores(newStore: () => Promise<Opener>): Stores {
  let opener: Opener;
  let opened: RunStore[];
  const open: Opener = async () => {
    const store = await opener();
    opened.push(store);
    return store;
  };
  const stores: Stores = {
    // Set before each test; a use before that is a mistake that should show.
    store: undefined as unknown as RunStore,
    open,
    run: async (runId = 'run-1') => {
      const lease = await lead(stores.store);
      await stores.store.createRun(lease, { runId, config: `{"of":"${runId}"}`, createdAt: CREATED_AT });
      return lease;
    },
  };
  beforeEach(async () => {
    opener = await newStore();
    opened = [];
    stores.store = await open();
  });
  afterEach(async () => {
    for (const store of opened) await store.close();
  });
  return stores;
}
