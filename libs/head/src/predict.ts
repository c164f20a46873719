/** From embeddings to class probabilities. Needs no engine: one image costs 6,144 multiplications in a linear head. */
import type { HeadSpec } from '@consilium/model-spec';
import { checkEmbeddings, checkParameters } from './checks.js';
import { activations, softmax } from './forward.js';
import { HeadError } from './errors.js';
import { layersOf } from './layers.js';

/**
 * Synchronous, so give it some hundred images at a time: a 2048 x 256 hidden layer takes about a millisecond each.
 *
 * @param parameters - float32, shape (d,). Not modified.
 * @param embeddings - float32, shape (n, inputs), row-major.
 * @param n - number of images, 0 or more.
 * @returns float32, shape (n, classes), each row a distribution in spec order; accumulated in float64.
 * @throws {@link HeadError} `WRONG_SHAPE`; `NOT_FINITE` for an input, or for scores that no longer fit a float64.
 */
export function predict(spec: HeadSpec, parameters: Float32Array, embeddings: Float32Array, n: number): Float32Array {
  checkParameters(spec, parameters);
  checkEmbeddings(spec, embeddings, n);
  const layers = layersOf(spec, parameters);
  const probabilities = new Float32Array(n * spec.classes);
  for (let k = 0; k < n; k++) {
    const values = activations(embeddings.subarray(k * spec.inputs, (k + 1) * spec.inputs), layers);
    const row = softmax(values.at(-1) as Float64Array);
    if (row.some(Number.isNaN)) throw new HeadError('NOT_FINITE', `the scores of example ${k} are not finite`);
    probabilities.set(row, k * spec.classes);
  }
  return probabilities;
}
