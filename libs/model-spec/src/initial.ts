/** The first parameters of a run: the same bits for everyone who knows the spec and the seed. */
import { SeededRandom } from '@consilium/tensors';
import { headTensors, parameterCount } from './tensors.js';
import type { HeadSpec } from './spec.js';

/**
 * The hidden kernel uniform on [-a, a) with a = sqrt(6 / (inputs + outputs)), rounded to float32; the output layer and
 * all biases zero, so that training starts from equal probabilities. A random output layer would add the noise of 2,048
 * correlated features to every score, which few local epochs do not remove: on untrained features it cost 0.1 of AUC.
 *
 * @param seed - public: it is in the run configuration, so that anybody can recompute round 0.
 * @returns float32, shape (d,).
 * @throws {@link ModelSpecError} `BAD_SPEC`.
 * @see Glorot and Bengio, AISTATS 2010, equation 16
 */
export function initialParameters(spec: HeadSpec, seed: string): Float32Array {
  const flat = new Float32Array(parameterCount(spec));
  const hidden = headTensors(spec).find(({ name }) => name === 'hidden.kernel');
  if (hidden === undefined) return flat;
  const { name, shape, offset, length } = hidden;
  const bound = Math.sqrt(6 / shape.reduce((sum, size) => sum + size, 0));
  const random = new SeededRandom(`${seed}/${name}`);
  for (let k = offset; k < offset + length; k++) flat[k] = random.uniform(-bound, bound);
  return flat;
}
