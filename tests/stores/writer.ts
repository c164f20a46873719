/**
 * A coordinator's process reduced to its store, for tests that kill it: `writer.js FOLDER HOLDER`. It waits for the lease,
 * then appends events and sends blobs for ever, and prints a line only for what the store has acknowledged.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { openEmbeddedStore, type Lease } from '@consilium/store';

const CHUNK_BYTES = 65_536;
const [folder = '', holder = ''] = process.argv.slice(2);

// Synchronous: a line that a killed process still held in memory would be an acknowledgement that nobody heard.
const say = (line: string): void => void writeSync(1, `${line}\n`);

const store = await openEmbeddedStore(folder);
let lease: Lease | undefined;
while (lease === undefined) {
  lease = await store.acquireLease(holder, 60_000);
  if (lease === undefined) await setTimeout(20);
}
say(`lease ${lease.token}`);
if (!(await store.runs()).some(({ runId }) => runId === 'r')) {
  await store.createRun(lease, { runId: 'r', config: '{}', createdAt: 'now' });
}
for (let seq = (await store.runs())[0]?.events ?? 0; ;) {
  const entries = Array.from({ length: 1 + (seq % 3) }, (_, i) => ({ event: JSON.stringify({ seq: seq + i }) }));
  await store.append(lease, 'r', seq, entries);
  seq += entries.length;
  say(`events ${seq}`);
  if (seq % 5 !== 0) continue;
  const name = `update/${seq}`;
  const bytes = Buffer.alloc(3 * CHUNK_BYTES + 1, String(seq));
  await store.blobs.begin(lease, 'r', name, bytes.length);
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    await store.blobs.append(lease, 'r', name, offset, bytes.subarray(offset, offset + CHUNK_BYTES));
  }
  await store.blobs.complete(lease, 'r', name, createHash('sha256').update(bytes).digest('hex'));
  say(`blob ${name}`);
}
