/**
 * Events per second that each store makes durable, beside what the disk allows: the fsyncs per second of the same folder,
 * measured in the same run. One append is one transaction, so `batch 1` cannot pass that limit on the embedded store, except
 * where the disk acknowledges without writing; several runs at once show what PostgreSQL's group commit gains.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore, openPostgresStore, type Entry, type Lease, type RunStore } from '@consilium/store';
import { noPostgres, PostgresServer } from '../support/postgres.js';

const EVENT_BYTES = 300;
const SECONDS = 2;

export interface StoreFigures {
  readonly bench: 'store';
  readonly store: 'embedded' | 'postgres';
  readonly eventBytes: number;
  /** Of 4 KiB appended to a file in the folder that holds both stores. */
  readonly fsyncsPerSecond: number;
  readonly eventsPerSecond: { readonly batch1: number; readonly batch100: number; readonly batch1In8Runs: number };
  /** One blob of 4 MiB in chunks of 256 KiB, from `begin` to a durable `complete`. */
  readonly blobMiBPerSecond: number;
}

/** @returns the embedded store's figures, then PostgreSQL's where there is a server for this platform. */
export async function storeThroughput(): Promise<StoreFigures[]> {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-bench-store-'));
  const figures: StoreFigures[] = [];
  try {
    figures.push(await measure('embedded', await openEmbeddedStore(join(folder, 'store')), folder));
    if (noPostgres === undefined) {
      const server = await PostgresServer.start();
      try {
        figures.push(await measure('postgres', await openPostgresStore(server.url), folder));
      } finally {
        await server.stop();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return figures;
}

async function measure(name: StoreFigures['store'], store: RunStore, folder: string): Promise<StoreFigures> {
  const lease = await store.acquireLease('bench', 3_600_000);
  if (lease === undefined) throw new Error('a new store has a leader already');
  const entry: Entry = { event: JSON.stringify({ fill: 'x'.repeat(EVENT_BYTES - 11) }) };
  let runs = 0;
  const writer = async (batch: number): Promise<number> => {
    const runId = `run-${runs++}`;
    await store.createRun(lease, { runId, config: '{}', createdAt: 'now' });
    const entries = Array.from({ length: batch }, () => entry);
    let seq = 0;
    for (const endMs = performance.now() + SECONDS * 1_000; performance.now() < endMs; seq += batch) {
      await store.append(lease, runId, seq, entries);
    }
    return seq / SECONDS;
  };
  const fsyncsPerSecond = fsyncRate(folder);
  const batch1 = await writer(1);
  const batch100 = await writer(100);
  const together = await Promise.all(Array.from({ length: 8 }, () => writer(1)));
  const blobMiBPerSecond = await blobRate(store, lease);
  await store.close();
  const batch1In8Runs = together.reduce((sum, rate) => sum + rate, 0);
  const eventsPerSecond = { batch1, batch100, batch1In8Runs };
  return { bench: 'store', store: name, eventBytes: EVENT_BYTES, fsyncsPerSecond, eventsPerSecond, blobMiBPerSecond };
}

async function blobRate(store: RunStore, lease: Lease): Promise<number> {
  const bytes = randomBytes(4 << 20);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const blobs = 8;
  const startedMs = performance.now();
  for (let blob = 0; blob < blobs; blob++) {
    const name = `update/${blob}`;
    await store.blobs.begin(lease, 'run-0', name, bytes.length);
    for (let offset = 0; offset < bytes.length; offset += 262_144) {
      await store.blobs.append(lease, 'run-0', name, offset, bytes.subarray(offset, offset + 262_144));
    }
    await store.blobs.complete(lease, 'run-0', name, sha256);
  }
  return (blobs * 4) / ((performance.now() - startedMs) / 1_000);
}

function fsyncRate(folder: string): number {
  const file = openSync(join(folder, 'fsync'), 'w');
  const page = new Uint8Array(4_096).fill(1);
  let count = 0;
  const startedMs = performance.now();
  while (performance.now() < startedMs + SECONDS * 1_000) {
    writeSync(file, page);
    fsyncSync(file);
    count++;
  }
  closeSync(file);
  return count / ((performance.now() - startedMs) / 1_000);
}
