/** Which examples a step sees, in which order. */
import { SeededRandom } from '@consilium/tensors';

export interface Examples {
  /** float32, shape (n, inputs), row-major. */
  readonly embeddings: Float32Array;
  /** Class of each example, shape (n,), 0 .. classes - 1. */
  readonly labels: Int32Array;
}

export interface Batch {
  /** float32, (size, inputs) */
  readonly embeddings: Float32Array;
  /** float32, (size, classes) */
  readonly oneHot: Float32Array;
  readonly size: number;
}

/** @param epoch - from 1. @returns A permutation of 0 .. n - 1 that depends on the seed, the epoch and n alone. */
export function epochOrder(seed: string, epoch: number, n: number): number[] {
  return new SeededRandom(`${seed}/shuffle/${epoch}`).shuffle(Array.from({ length: n }, (_, i) => i));
}

/**
 * Copies rows on the host and lets the step upload them. Measured on wasm, 31 batches of 32 x 2048: 4 ms; gathering from
 * a tensor that was uploaded once: 41 ms; slicing a shuffled tensor: 190 ms; and this holds the embeddings once, not twice.
 */
export function gather(
  { embeddings, labels }: Examples,
  rows: readonly number[],
  inputs: number,
  classes: number,
): Batch {
  const batch = { embeddings: new Float32Array(rows.length * inputs), oneHot: new Float32Array(rows.length * classes) };
  for (const [k, row] of rows.entries()) {
    batch.embeddings.set(embeddings.subarray(row * inputs, (row + 1) * inputs), k * inputs);
    batch.oneHot[k * classes + (labels[row] as number)] = 1;
  }
  return { ...batch, size: rows.length };
}
