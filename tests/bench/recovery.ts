/** What a restart costs: from opening a store to the last event of a run of so many events, and of each store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore, openPostgresStore, type RunStore } from '@consilium/store';
import { noPostgres, PostgresServer } from '../support/postgres.js';

const EVENT_BYTES = 300;
const BATCH = 500;

export interface RecoveryFigures {
  readonly bench: 'recovery';
  readonly store: 'embedded' | 'postgres';
  readonly events: number;
  readonly eventBytes: number;
  readonly openSeconds: number;
  /** Reading and parsing every event, in order. */
  readonly replaySeconds: number;
}

export async function recovery(sizes: readonly number[] = [1_000, 10_000, 100_000]): Promise<RecoveryFigures[]> {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-bench-recovery-'));
  const figures: RecoveryFigures[] = [];
  try {
    for (const events of sizes) {
      figures.push(await measure('embedded', () => openEmbeddedStore(join(folder, String(events))), events));
    }
    if (noPostgres === undefined) {
      const server = await PostgresServer.start();
      try {
        for (const events of sizes) {
          const url = await server.database(`recovery_${events}`);
          figures.push(await measure('postgres', () => openPostgresStore(url), events));
        }
      } finally {
        await server.stop();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return figures;
}

async function measure(
  name: RecoveryFigures['store'],
  open: () => Promise<RunStore>,
  events: number,
): Promise<RecoveryFigures> {
  const filled = await open();
  const lease = await filled.acquireLease('bench', 3_600_000);
  if (lease === undefined) throw new Error('a new store has a leader already');
  await filled.createRun(lease, { runId: 'run', config: '{}', createdAt: 'now' });
  for (let seq = 0; seq < events; seq += BATCH) {
    const length = Math.min(BATCH, events - seq);
    const entries = Array.from({ length }, (_, i) => ({
      event: JSON.stringify({ seq: seq + i, fill: 'x'.repeat(EVENT_BYTES - 24) }),
    }));
    await filled.append(lease, 'run', seq, entries);
  }
  await filled.close();

  const startedMs = performance.now();
  const store = await open();
  const openedMs = performance.now();
  let read = 0;
  for await (const { seq, event } of store.events('run')) {
    const parsed = JSON.parse(event) as { seq: number };
    if (parsed.seq !== seq || seq !== read) throw new Error(`event ${read} is not the one that was appended`);
    read++;
  }
  const replaySeconds = (performance.now() - openedMs) / 1_000;
  if (read !== events) throw new Error(`${read} of ${events} events came back`);
  await store.close();
  const openSeconds = (openedMs - startedMs) / 1_000;
  return { bench: 'recovery', store: name, events, eventBytes: EVENT_BYTES, openSeconds, replaySeconds };
}
