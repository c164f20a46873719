/** Sealed updates -> the new head, piece by piece: never a whole update in memory, sealed or open. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WeightedMean } from '@consilium/aggregation';
import { SealedOpener } from '@consilium/crypto';
import type { ReceivedUpdate } from '@consilium/rounds';
import { StoreError, type BlobStore } from '@consilium/store';
import { blobPieces } from './stored-blob.js';

export interface RoundContext {
  readonly runId: string;
  readonly round: number;
  readonly attempt: number;
  readonly planDigest: string;
}

/** Where the sealed update of a hospital lies: ciphertext only. */
export const updateName = (
  { round, attempt }: Pick<RoundContext, 'round' | 'attempt'>,
  { hospitalId, blobDigest }: Pick<ReceivedUpdate, 'hospitalId' | 'blobDigest'>,
): string => `update/${round}/${attempt}/${hospitalId}/${blobDigest}`;

/**
 * The mean over the sealed updates: sum(examples_i * update_i) / sum(examples_i), summed in float64 in the order given. The
 * event loop turns between two pieces, so that heartbeats live.
 *
 * @param parameters - d.
 * @returns float64, shape (d,).
 * @throws CryptoError, AggregationError for an update that was checked when it came: the store has changed it.
 * @see McMahan et al., AISTATS 2017, arXiv:1602.05629, Algorithm 1
 */
export async function averageSealed(
  blobs: BlobStore,
  updates: readonly ReceivedUpdate[],
  parameters: number,
  roundSecretKey: Uint8Array,
  context: RoundContext,
): Promise<{ mean: Float64Array; totalExamples: number }> {
  const mean = new WeightedMean(parameters);
  for (const received of updates) {
    const { hospitalId, examples, blobBytes } = received;
    const opener = new SealedOpener(blobBytes, roundSecretKey, { ...context, hospitalId });
    const adding = mean.begin(examples);
    try {
      for await (const piece of blobPieces(blobs, context.runId, updateName(context, received))) {
        for (const chunk of opener.push(piece)) {
          adding.add(floatsOf(chunk));
          chunk.fill(0);
        }
        await nextTurn();
      }
      opener.end();
    } finally {
      opener.close();
    }
    adding.end();
  }
  return { mean: mean.result(), totalExamples: mean.totalWeight };
}

/** @param chunk - a fresh array, little-endian float32. @throws StoreError `STORE_CORRUPT` for a part of a coordinate. */
export function floatsOf(chunk: Uint8Array): Float32Array {
  if (chunk.length % 4 !== 0) throw new StoreError('STORE_CORRUPT', 'an update ends within a coordinate');
  // Small results of the cipher may lie anywhere in a pool.
  const aligned = chunk.byteOffset % 4 === 0 ? chunk : Uint8Array.from(chunk);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
