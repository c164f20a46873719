/**
 * A coordinator's way to the store: every call takes time, and may fail before it is done, or be done and fail all the same,
 * or be the last that its process does. What a dead process had asked for may still be done after its death.
 */
import { StoreError, type BlobStore, type Lease, type RunStore } from '@consilium/store';
import type { MemoryDatabase } from '../../support/memory-store.js';
import type { Faults } from './scenario.js';
import type { Actor, World } from './world.js';

export interface StoreWorld {
  readonly world: World;
  readonly database: MemoryDatabase;
  readonly faults: () => Faults;
  /** Until when nothing can be reached. */
  readonly outageUntilMs: () => number;
}

type Fate = 'fine' | 'fails' | 'fails-but-done' | 'crash' | 'done-and-crash';

const unavailable = (): StoreError => new StoreError('STORE_UNAVAILABLE', 'the store does not answer');
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export function simulatedStore(
  { world, database, faults, outageUntilMs }: StoreWorld,
  process: Actor,
  crash: (why: string) => void,
): RunStore {
  const store = database.open();
  const fateOf = (isWrite: boolean): Fate => {
    const { storeFailure, storeCrash } = faults();
    if (world.nowMs < outageUntilMs()) return 'fails';
    if (isWrite && world.chance(storeCrash)) return world.chance(0.5) ? 'crash' : 'done-and-crash';
    if (!world.chance(storeFailure)) return 'fine';
    return world.chance(0.5) ? 'fails' : 'fails-but-done';
  };
  // A question, since the answer changes while a call is under way.
  const isDead = (): boolean => process.isDead;
  const call = async <T>(name: string, lease: Lease | undefined, work: () => Promise<T>): Promise<T> => {
    if (isDead()) return never();
    const fate = fateOf(lease !== undefined);
    const isPosthumous = world.chance(0.3);
    await world.pause(world.nature, world.delay(4, 400));
    if (isDead() && !isPosthumous) return never();
    if (fate === 'crash') crash(`before ${name}`);
    if (fate === 'crash') return never();
    if (fate === 'fails') {
      await world.pause(process, 1);
      throw unavailable();
    }
    const result = await work();
    if (lease !== undefined && database.lease?.token !== lease.token && name !== 'release') {
      world.violated(`${process.name} wrote (${name}) with a lease that was taken over`);
    }
    if (fate === 'done-and-crash' && !isDead()) crash(`after ${name}`);
    if (isDead()) return never();
    await world.pause(process, world.delay(2, 50));
    if (fate === 'fails-but-done') throw unavailable();
    return result;
  };
  return {
    acquireLease: (holder, ttlMs) => call('acquire', undefined, () => store.acquireLease(holder, ttlMs)),
    renewLease: (lease, ttlMs) => call('renew', undefined, () => store.renewLease(lease, ttlMs)),
    releaseLease: (lease) => call('release', lease, () => store.releaseLease(lease)),
    createRun: (lease, run) => call('create', lease, () => store.createRun(lease, run)),
    runs: () => call('runs', undefined, () => store.runs()),
    config: (runId) => call('config', undefined, () => store.config(runId)),
    append: (lease, runId, seq, entries) => call('append', lease, () => store.append(lease, runId, seq, entries)),
    async *events(runId, fromSeq) {
      yield* await call('events', undefined, () => gathered(store.events(runId, fromSeq)));
    },
    async *documents(runId, kind) {
      yield* await call('documents', undefined, () => gathered(store.documents(runId, kind)));
    },
    document: (runId, digest) => call('document', undefined, () => store.document(runId, digest)),
    secret: (runId, name) => call('secret', undefined, () => store.secret(runId, name)),
    blobs: simulatedBlobs(store.blobs, call),
    health: () => call('health', undefined, () => store.health()),
    close: () => store.close(),
  };
}

function simulatedBlobs(
  blobs: BlobStore,
  call: <T>(name: string, lease: Lease | undefined, work: () => Promise<T>) => Promise<T>,
): BlobStore {
  return {
    begin: (lease, ...rest) => call('begin', lease, () => blobs.begin(lease, ...rest)),
    append: (lease, ...rest) => call('chunk', lease, () => blobs.append(lease, ...rest)),
    received: (...all) => call('received', undefined, () => blobs.received(...all)),
    complete: (lease, ...rest) => call('complete', lease, () => blobs.complete(lease, ...rest)),
    read: (...all) => call('read', undefined, () => blobs.read(...all)),
    size: (...all) => call('size', undefined, () => blobs.size(...all)),
    remove: (lease, ...rest) => call('remove', lease, () => blobs.remove(lease, ...rest)),
  };
}

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
