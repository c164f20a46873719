/** Sealed updates -> the new head, one update at a time and never two of them open at once. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AggregationError, checkUpdate, WeightedMean } from '@consilium/aggregation';
import { CryptoError, openSealedUpdate, type SealContext } from '@consilium/crypto';
import { ProtocolError, type RunConfig } from '@consilium/protocol';
import type { ReceivedUpdate } from '@consilium/rounds';
import type { BlobStore } from '@consilium/store';
import { readBlob } from './stored-blob.js';

export interface RoundContext {
  readonly runId: string;
  readonly round: number;
  readonly attempt: number;
  readonly planDigest: string;
}

/**
 * @param sealed - peer-controlled bytes of the right size and digest.
 * @returns float32, of any length and with any values: {@link checkSealedUpdate} and the mean refuse bad ones.
 * @throws {@link ProtocolError} `SEAL_INVALID`.
 */
function openUpdate(sealed: Uint8Array, roundSecretKey: Uint8Array, context: SealContext): Float32Array {
  try {
    const plaintext = openSealedUpdate(sealed, roundSecretKey, context);
    return new Float32Array(plaintext.buffer, plaintext.byteOffset, plaintext.length / 4);
  } catch (error) {
    if (error instanceof CryptoError) throw new ProtocolError('SEAL_INVALID', error.code);
    throw error;
  }
}

/**
 * Opens one update and forgets it, so that a bad one is refused when it arrives and not found in the sum.
 *
 * @throws {@link ProtocolError} `SEAL_INVALID`, `UPDATE_NOT_FINITE` or `UPDATE_NOT_CLIPPED`.
 */
export function checkSealedUpdate(
  sealed: Uint8Array,
  roundSecretKey: Uint8Array,
  context: SealContext,
  { parameters, clipNorm }: Pick<RunConfig, 'parameters' | 'clipNorm'>,
): void {
  const update = openUpdate(sealed, roundSecretKey, context);
  try {
    // Clipping ends with a rounding to float32.
    checkUpdate(update, { parameters, maxNorm: Number(clipNorm) * (1 + 1e-6) });
  } catch (error) {
    if (error instanceof AggregationError) {
      throw new ProtocolError(error.code === 'NORM_TOO_LARGE' ? 'UPDATE_NOT_CLIPPED' : 'UPDATE_NOT_FINITE');
    }
    throw error;
  } finally {
    update.fill(0);
  }
}

/** Where the sealed update of a hospital lies: ciphertext only. */
export const updateName = (
  { round, attempt }: Pick<RoundContext, 'round' | 'attempt'>,
  { hospitalId, blobDigest }: Pick<ReceivedUpdate, 'hospitalId' | 'blobDigest'>,
): string => `update/${round}/${attempt}/${hospitalId}/${blobDigest}`;

/**
 * The mean over the sealed updates: sum(examples_i * update_i) / sum(examples_i), summed in float64 in the order given. The
 * event loop turns between two updates, so that heartbeats live.
 *
 * @param parameters - d.
 * @returns float64, shape (d,).
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
    await nextTurn();
    const sealed = await readBlob(blobs, context.runId, updateName(context, received));
    const update = openUpdate(sealed, roundSecretKey, { ...context, hospitalId: received.hospitalId });
    mean.add(update, received.examples);
    update.fill(0);
  }
  return { mean: mean.result(), totalExamples: mean.totalWeight };
}
