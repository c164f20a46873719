/**
 * The embedding of one built-in picture, stored with the weights when they are imported: whoever loads them can see
 * whether this machine, with its engine and its libraries, computes the same function.
 */
import { SeededRandom, type Tensor } from '@consilium/tensors';
import type { Engine } from './engine.js';
import { checkedValues } from './weights.js';

export const SELF_CHECK = 'selfcheck.features';

/** Relative to the norm of the embedding. Engines agree to about 1e-6; a wrong stride or mean gives more than 1e-2. */
export const SELF_CHECK_TOLERANCE = 1e-4;

const CELLS = 8;

/**
 * Cells of seeded greys with a slope over each: edges and surfaces, from additions and products alone, so that every
 * machine gets the same bits.
 *
 * @returns grey, [0, 1], shape (side, side).
 */
export function selfCheckPicture(side: number): Float32Array {
  const random = new SeededRandom('consilium/self-check/1');
  const greys = Float64Array.from({ length: CELLS * CELLS }, () => random.nextUint32() / 2 ** 33);
  const picture = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [column, row] = [(x * CELLS) / side, (y * CELLS) / side];
      const [left, top] = [Math.floor(column), Math.floor(row)];
      picture[y * side + x] = (greys[top * CELLS + left] ?? NaN) + (column - left + row - top) / 4;
    }
  }
  return picture;
}

export const selfCheckTensor = (features: Float32Array): [string, Tensor] => [
  SELF_CHECK,
  { shape: [features.length], values: features },
];

/** @returns undefined for a file without. @throws {@link BackboneError} `TENSOR_SHAPE` or `TENSOR_NOT_FINITE`. */
export function selfCheckOf(tensors: ReadonlyMap<string, Tensor>, length: number): Float32Array | undefined {
  const tensor = tensors.get(SELF_CHECK);
  return tensor && checkedValues(tensor, SELF_CHECK, [length]);
}

/** @returns the norm of the difference over the norm of what was expected. */
export async function selfCheckError(engine: Engine, side: number, expected: Float32Array): Promise<number> {
  const features = await engine.embed(selfCheckPicture(side), 1);
  let [difference, norm] = [0, 0];
  for (const [k, value] of expected.entries()) {
    difference += ((features[k] ?? NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}
