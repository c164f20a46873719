/**
 * Claims: (1) moments grow with every round, also where the step is too small to change a float32 head, from the first round
 * on; (2) a sum that is begun again starts from the moments that it started from before, and what it ends with replaces what
 * an earlier attempt ended with. Oracle: momentum by hand, in float64.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RunConfig, RunId } from '@consilium/protocol';
import { openEmbeddedStore, type Lease, type RunStore } from '@consilium/store';
import { momentsName, serverStep } from './server-step.js';
import { readBlob } from './stored-blob.js';

const RUN: Pick<RunConfig, 'runId' | 'server'> = {
  runId: 'run' as RunId,
  server: { optimizer: 'fedavgm', learningRate: '1', momentum: '0.5' },
};

let folder: string;
let store: RunStore;
let lease: Lease;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-moments-'));
  store = await openEmbeddedStore(folder);
  lease = (await store.acquireLease('test', 60_000)) as Lease;
  await store.createRun(lease, { runId: 'run', config: '{}', createdAt: 'now' });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const step = (round: number, head: Float32Array, mean: number): Promise<Float32Array> =>
  serverStep({ blobs: store.blobs, lease }, RUN, { round, head }, Float64Array.of(mean));
const momentOf = async (round: number): Promise<number> =>
  new Float64Array((await readBlob(store.blobs, 'run', momentsName(round))).buffer)[0] ?? NaN;

it('keeps moments that grow while the head stands still', async () => {
  const tiny = 2 ** -40;
  let head = Float32Array.of(1);
  for (const round of [1, 2, 3]) {
    head = new Float32Array(await step(round, head, tiny));
    expect(head).toEqual(Float32Array.of(1));
  }
  expect(await momentOf(1)).toBe(tiny);
  expect(await momentOf(2)).toBe(tiny * 1.5);
  expect(await momentOf(3)).toBe(tiny * 1.75);
});

it('begins a sum again from the moments of the round before', async () => {
  const first = await step(1, Float32Array.of(0), 8);
  const crashed = await step(2, first, 4);
  expect(await step(2, first, 4)).toEqual(crashed);
  expect([[...first], [...crashed], await momentOf(2)]).toEqual([[8], [16], 8]);
  // Another attempt, with other updates.
  expect([...(await step(2, first, 2))]).toEqual([14]);
  expect(await momentOf(2)).toBe(6);
});
