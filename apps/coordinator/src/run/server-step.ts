/** The server optimiser of a run, with its moments kept beside the head that they belong to. */
import { momentCount, serverOptimizerOf, startMoments, stepServer } from '@consilium/aggregation';
import { digestBlob } from '@consilium/crypto';
import type { RunConfig } from '@consilium/protocol';
import { StoreError, type BlobStore, type Lease } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import { readBlob, writeBlob } from './stored-blob.js';

/** Named by the head that they led to: a sum that is begun again after a crash starts from the same ones. */
export const momentsName = (modelDigest: string): string => `moments/${modelDigest}`;

/**
 * @param before - the head that the round started from: its digest, and float32, shape (d,).
 * @param mean - float64, shape (d,).
 * @returns The new head; its moments are durable.
 */
export async function serverStep(
  { blobs, lease }: { readonly blobs: BlobStore; readonly lease: Lease },
  { runId, server, initialModel }: RunConfig,
  before: { readonly digest: string; readonly head: Float32Array },
  mean: Float64Array,
): Promise<Float32Array> {
  const optimizer = serverOptimizerOf(server);
  const count = momentCount(optimizer);
  const { digest, head } = before;
  const isFirst = digest === initialModel;
  const moments =
    count === 0 || isFirst ? startMoments(optimizer, head.length) : await readMoments(blobs, runId, digest, count);
  const next = stepServer(optimizer, head, mean, moments);
  if (count > 0) {
    const bytes = Buffer.concat(next.moments.map(({ buffer }) => new Uint8Array(buffer)));
    const name = momentsName(digestBlob(floatBytes(next.head)));
    await writeBlob(blobs, lease, runId, { name, bytes, digest: digestBlob(bytes) });
  }
  return next.head;
}

async function readMoments(blobs: BlobStore, runId: string, digest: string, count: number): Promise<Float64Array[]> {
  const bytes = await readBlob(blobs, runId, momentsName(digest));
  const width = bytes.length / 8 / count;
  if (!Number.isInteger(width)) throw new StoreError('STORE_CORRUPT', 'stored moments have a wrong length');
  return Array.from({ length: count }, (_, i) => new Float64Array(bytes.buffer, i * width * 8, width));
}
