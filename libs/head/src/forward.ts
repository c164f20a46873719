/** The head in plain float64 arithmetic: what a prediction is, and what every engine is held against. */
import type { Layer } from './layers.js';

/** One dense layer for one example: b + x W. @returns float64, shape (outputs,). */
function dense(x: ArrayLike<number>, { inputs, outputs, kernel, bias }: Layer): Float64Array {
  const scores = Float64Array.from(bias);
  for (let i = 0; i < inputs; i++) {
    const xi = x[i] as number;
    // After a relu half the entries are zero, and a row of a hidden kernel is the expensive part.
    if (xi === 0) continue;
    const row = i * outputs;
    for (let j = 0; j < outputs; j++) scores[j] = (scores[j] as number) + xi * (kernel[row + j] as number);
  }
  return scores;
}

/** @returns The input of each layer, then the scores (classes,). */
export function activations(x: ArrayLike<number>, layers: readonly Layer[]): Float64Array[] {
  const values: Float64Array[] = [Float64Array.from(x)];
  for (const [l, layer] of layers.entries()) {
    const scores = dense(values[l] as Float64Array, layer);
    values.push(l < layers.length - 1 ? scores.map((score) => Math.max(0, score)) : scores);
  }
  return values;
}

/** Softmax of one example's scores, shifted by the largest, so that no exponential overflows. */
export function softmax(scores: Float64Array): Float64Array {
  const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}
