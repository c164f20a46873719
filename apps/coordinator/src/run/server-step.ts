/** The server optimiser of a run, with its moments kept beside the heads. */
import { momentCount, serverOptimizerOf, startMoments, stepServer } from '@consilium/aggregation';
import { digestBlob } from '@consilium/crypto';
import type { RunConfig } from '@consilium/protocol';
import { StoreError, type BlobStore, type Lease } from '@consilium/store';
import { readBlob, writeBlob } from './stored-blob.js';

/**
 * Where the moments lie that a round ended with. By its number, since a step below the resolution of float32 changes them and
 * not the head; a sum that is begun again after a crash starts from those of the round before, as it did.
 */
export const momentsName = (round: number): string => `moments/${round}`;

/**
 * @param round - the one that is summed.
 * @param head - that it started from: float32, shape (d,).
 * @param mean - float64, shape (d,).
 * @returns The new head; its moments are durable.
 */
export async function serverStep(
  { blobs, lease }: { readonly blobs: BlobStore; readonly lease: Lease },
  { runId, server }: Pick<RunConfig, 'runId' | 'server'>,
  { round, head }: { readonly round: number; readonly head: Float32Array },
  mean: Float64Array,
): Promise<Float32Array> {
  const optimizer = serverOptimizerOf(server);
  const count = momentCount(optimizer);
  const moments =
    count === 0 || round === 1
      ? startMoments(optimizer, head.length)
      : await readMoments(blobs, runId, round - 1, count);
  const next = stepServer(optimizer, head, mean, moments);
  if (count > 0) {
    const bytes = Buffer.concat(next.moments.map(({ buffer }) => new Uint8Array(buffer)));
    const name = momentsName(round);
    // Of a sum of this round that did not count, over other updates.
    await blobs.remove(lease, runId, name);
    await writeBlob(blobs, lease, runId, { name, bytes, digest: digestBlob(bytes) });
  }
  return next.head;
}

async function readMoments(blobs: BlobStore, runId: string, round: number, count: number): Promise<Float64Array[]> {
  const bytes = await readBlob(blobs, runId, momentsName(round));
  const width = bytes.length / 8 / count;
  if (!Number.isInteger(width)) throw new StoreError('STORE_CORRUPT', 'stored moments have a wrong length');
  return Array.from({ length: count }, (_, i) => new Float64Array(bytes.buffer, i * width * 8, width));
}
