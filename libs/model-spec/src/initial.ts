/** The first parameters of a run: the same bits for everyone who knows the spec and the seed. */
import { SeededRandom } from '@consilium/tensors';
import { headTensors, parameterCount } from './tensors.js';
import type { HeadSpec } from './spec.js';

/**
 * Kernels uniform on [-a, a) with a = sqrt(6 / (inputs + outputs)), rounded to float32; biases zero. One stream of numbers
 * per tensor, `<seed>/<name>`: a shared stream would tie a tensor's values to the sizes of those before it.
 *
 * @param seed - public: it is in the run configuration, so that anybody can recompute round 0.
 * @returns float32, shape (d,).
 * @throws {@link ModelSpecError} `BAD_SPEC`.
 * @see Glorot and Bengio, AISTATS 2010, equation 16
 */
export function initialParameters(spec: HeadSpec, seed: string): Float32Array {
  const flat = new Float32Array(parameterCount(spec));
  for (const { name, shape, offset, length } of headTensors(spec)) {
    const [inputs, outputs] = shape;
    if (outputs === undefined) continue;
    const bound = Math.sqrt(6 / (inputs + outputs));
    const random = new SeededRandom(`${seed}/${name}`);
    for (let k = offset; k < offset + length; k++) flat[k] = random.uniform(-bound, bound);
  }
  return flat;
}
