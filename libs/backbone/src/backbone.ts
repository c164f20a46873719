/** The frozen network and what identifies it. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '@consilium/bytes';
import { type Architecture, featureLength, type Variant } from './architecture.js';
import { type FoldedLayers, foldedLayers, foldedModel } from './graph.js';
import { tensorsOf, type Weights } from './weights.js';

export type Rgb = readonly [number, number, number];

/** What the weights need to be used rightly; it travels with them. */
export interface Recipe {
  /** For people: where the weights come from. Not part of the hash. */
  readonly name: string;
  /** False for random weights: every screen and report says so. */
  readonly trained: boolean;
  /** Added to the variances of the batch norms. */
  readonly epsilon: number;
  /** A pixel in [0, 1] enters channel c as (pixel - channelMean[c]) / channelStdDev[c]. */
  readonly channelMean: Rgb;
  readonly channelStdDev: Rgb;
}

/** All that an engine needs. */
export interface Network extends Recipe {
  readonly variant: Variant;
  /** Height and width of an input image in pixels. */
  readonly side: number;
  /** Numbers in one embedding. */
  readonly featureLength: number;
  /** A new ONNX file on each call, about 94 MB: pixels (n, 3, side, side) -> features (n, featureLength), both float32. */
  onnxModel(): Uint8Array<ArrayBuffer>;
  /** The same network as folded weights, new copies on each call, for engines that build their own graph. */
  layers(): FoldedLayers;
}

export interface Backbone extends Network {
  /** SHA-256 in hex over architecture, recipe (but for its name), weights and feature statistics. */
  readonly hash: string;
  /** Mean and standard deviation of each feature over synthetic images, shape (featureLength,). */
  readonly featureMean: Float32Array;
  readonly featureStdDev: Float32Array;
}

export interface FeatureStatistics {
  readonly mean: Float32Array;
  readonly stdDev: Float32Array;
}

export const networkOf = (architecture: Architecture, recipe: Recipe, weights: Weights): Network => ({
  ...recipe,
  variant: architecture.variant,
  side: architecture.side,
  featureLength: featureLength(architecture),
  onnxModel: () => foldedModel(architecture, weights, recipe.epsilon),
  layers: () => foldedLayers(architecture, weights, recipe.epsilon),
});

function hashOf(architecture: Architecture, recipe: Recipe, weights: Weights, features: FeatureStatistics): string {
  const decimals = (values: readonly number[]): string[] => values.map(String);
  const { trained, epsilon, channelMean, channelStdDev } = recipe;
  const tensors = [
    ...tensorsOf(weights),
    ['feature.mean', { values: features.mean }] as const,
    ['feature.std', { values: features.stdDev }] as const,
  ];
  // The lengths are in the description, so that the bytes after it can be read in one way only.
  const description = canonicalJson({
    format: 'consilium/backbone/1',
    network: 'resnet50',
    ...architecture,
    trained,
    epsilon: String(epsilon),
    channelMean: decimals(channelMean),
    channelStdDev: decimals(channelStdDev),
    tensors: tensors.map(([name, { values }]) => [name, values.length]),
  });
  const hash = createHash('sha256').update(description).update('\n');
  for (const [, { values }] of tensors) hash.update(values);
  return hash.digest('hex');
}

export const backboneOf = (
  architecture: Architecture,
  recipe: Recipe,
  weights: Weights,
  features: FeatureStatistics,
): Backbone => ({
  ...networkOf(architecture, recipe, weights),
  hash: hashOf(architecture, recipe, weights, features),
  featureMean: features.mean,
  featureStdDev: features.stdDev,
});

/** Features that hardly moved on the synthetic images are magnified at most this much more than the average one. */
const MAGNIFICATION_MAX = 10;

/**
 * Z-scores of embeddings with the backbone's own constants, the same at every hospital: nothing about a hospital's
 * images is needed, and nothing about them leaves.
 *
 * @param embeddings - float32, shape (n, featureLength), row by row. Not modified.
 * @returns shape (n, featureLength); (x - mean) / max(stdDev, average of stdDev / 10) for each feature.
 * @throws RangeError if the length is not n * featureLength.
 */
export function standardise(embeddings: Float32Array, n: number, backbone: Backbone): Float32Array {
  const { featureLength: width, featureMean, featureStdDev } = backbone;
  if (embeddings.length !== n * width) throw new RangeError(`expected ${n} embeddings of ${width} numbers`);
  const average = featureStdDev.reduce((sum, value) => sum + value, 0) / width;
  // A backbone whose features never move leaves zeros, not NaN.
  const floor = average > 0 ? average / MAGNIFICATION_MAX : 1;
  const factors = Float64Array.from(featureStdDev, (stdDev) => 1 / Math.max(stdDev, floor));
  return embeddings.map((value, i) => (value - (featureMean[i % width] ?? NaN)) * (factors[i % width] ?? NaN));
}
