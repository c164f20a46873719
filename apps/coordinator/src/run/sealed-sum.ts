/** Sealed updates -> the new head, one update at a time and never two of them open at once. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { applyMean, AggregationError, checkUpdate, WeightedMean } from '@consilium/aggregation';
import { CryptoError, openSealedUpdate, type SealContext } from '@consilium/crypto';
import { ProtocolError, type RunConfig } from '@consilium/protocol';
import type { ReceivedUpdate } from '@consilium/rounds';
import type { BlobFolder } from './blob-folder.js';

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

/**
 * FedAvg over the sealed files: new = old + sum(examples_i * update_i) / sum(examples_i), summed in float64 in the
 * order given. The event loop turns between two updates, so that heartbeats live.
 *
 * @see McMahan et al., AISTATS 2017, arXiv:1602.05629, Algorithm 1
 */
export async function averageSealed(
  blobs: BlobFolder,
  updates: readonly ReceivedUpdate[],
  model: Float32Array,
  roundSecretKey: Uint8Array,
  context: RoundContext,
): Promise<{ model: Float32Array; totalExamples: number }> {
  const mean = new WeightedMean(model.length);
  for (const { blobDigest, hospitalId, examples } of updates) {
    await nextTurn();
    const sealed = blobs.read({ hospitalId, blobDigest });
    const update = openUpdate(sealed, roundSecretKey, { ...context, hospitalId });
    mean.add(update, examples);
    update.fill(0);
  }
  return {
    model: applyMean(model, mean.result()),
    totalExamples: updates.reduce((sum, { examples }) => sum + examples, 0),
  };
}
