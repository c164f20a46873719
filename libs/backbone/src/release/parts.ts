/** What a whole model is put together from: folded convolutions, constants of the z-scores, and the layers of the head. */
import { type Architecture, type Convolution, convolutions } from '../architecture.js';
import { type Backbone, type Network, standardise } from '../backbone.js';
import type { FoldedConvolution } from '../graph.js';

/** One layer of the head; relu between layers, softmax after the last. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** Row-major, shape (inputs, outputs). */
  readonly kernel: Float32Array;
  /** Shape (outputs,). */
  readonly bias: Float32Array;
}

export interface NamedConvolution extends FoldedConvolution {
  readonly convolution: Convolution;
}

/** Features of the last stage per channel of the first: 2048 / 64. */
const FEATURES_PER_WIDTH = 32;

export const architectureOf = ({ variant, side, featureLength }: Network): Architecture => ({
  variant,
  side,
  width: featureLength / FEATURES_PER_WIDTH,
});

/** @returns all 53, in the order of the network. */
export function foldedConvolutions(network: Network): NamedConvolution[] {
  const folded = network.layers().convolutions;
  return convolutions(architectureOf(network)).map((convolution) => {
    const weights = folded.get(convolution.name);
    if (weights === undefined) throw new RangeError(`the backbone has no ${convolution.name}`);
    return { convolution, ...weights };
  });
}

/** So far from every mean that (x - mean) is x in float64, and a power of two, so that dividing by it is exact. */
const FAR = 2 ** 60;

/**
 * The constants of {@link standardise}: z = (x - mean) * factor. The factor is read off `standardise` itself, so that the
 * floor of small deviations is decided in one place.
 *
 * @returns each of shape (featureLength,).
 */
export function featureScaling(backbone: Backbone): { readonly mean: Float32Array; readonly factor: Float32Array } {
  const far = new Float32Array(backbone.featureLength).fill(FAR);
  return { mean: backbone.featureMean, factor: standardise(far, 1, backbone).map((value) => value / FAR) };
}

/** @throws RangeError unless the layers lead from the features to classes. Their lengths are our own doing, so this is misuse. */
export function checkHead(network: Network, head: readonly DenseLayer[]): void {
  let width = network.featureLength;
  for (const { inputs, outputs, kernel, bias } of head) {
    if (inputs !== width || kernel.length !== inputs * outputs || bias.length !== outputs) {
      throw new RangeError('the layers of the head do not fit each other or the backbone');
    }
    width = outputs;
  }
  if (head.length === 0) throw new RangeError('the head has no layer');
}
