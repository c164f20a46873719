/** Mean and deviation of each feature over synthetic images: the constants of the z-scores. */
import type { Tensor } from '@consilium/tensors';
import type { FeatureStatistics } from './backbone.js';
import type { Engine } from './engine.js';
import { BackboneError } from './errors.js';

export const FEATURE_MEAN = 'feature.mean';
export const FEATURE_STD = 'feature.std';

/**
 * @param images - grey, [0, 1], shape (n, side, side), n at least 2; synthetic, since the result is public.
 * @returns population mean and standard deviation, each of shape (featureLength,), summed in float64.
 */
export async function measureFeatures(engine: Engine, images: Float32Array, n: number): Promise<FeatureStatistics> {
  if (n < 2) throw new RangeError('a deviation needs at least two images');
  const embeddings = await engine.embed(images, n);
  const length = embeddings.length / n;
  const mean = new Float64Array(length);
  for (const [i, value] of embeddings.entries()) mean[i % length] = (mean[i % length] ?? NaN) + value / n;
  const variance = new Float64Array(length);
  for (const [i, value] of embeddings.entries()) {
    const k = i % length;
    variance[k] = (variance[k] ?? NaN) + (value - (mean[k] ?? NaN)) ** 2 / n;
  }
  return { mean: Float32Array.from(mean), stdDev: Float32Array.from(variance, Math.sqrt) };
}

export const featureTensors = ({ mean, stdDev }: FeatureStatistics): [string, Tensor][] => [
  [FEATURE_MEAN, { shape: [mean.length], values: mean }],
  [FEATURE_STD, { shape: [stdDev.length], values: stdDev }],
];

/** @throws {@link BackboneError} `FEATURE_STATISTICS_MISSING` without them, `TENSOR_SHAPE` or `TENSOR_NOT_FINITE` if they are wrong. */
export function featureStatisticsOf(tensors: ReadonlyMap<string, Tensor>, length: number): FeatureStatistics {
  const take = (name: string): Float32Array => {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      const why = `tensor ${name} is not in the file: import the weights first, which measures it`;
      throw new BackboneError('FEATURE_STATISTICS_MISSING', why, { tensor: name });
    }
    if (tensor.shape.length !== 1 || tensor.values.length !== length) {
      throw new BackboneError('TENSOR_SHAPE', `tensor ${name} does not have ${length} numbers`, { tensor: name });
    }
    if (!tensor.values.every((value) => Number.isFinite(value) && (name === FEATURE_MEAN || value >= 0))) {
      throw new BackboneError('TENSOR_NOT_FINITE', `tensor ${name} has a number that cannot be`, { tensor: name });
    }
    return tensor.values;
  };
  return { mean: take(FEATURE_MEAN), stdDev: take(FEATURE_STD) };
}
