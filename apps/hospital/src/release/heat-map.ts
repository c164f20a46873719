/** Where in the picture the score of a class comes from. */
import type { DenseLayer, Outputs } from '@consilium/backbone';

export interface HeadModel {
  /** z = (feature - mean) * factor, each of shape (featureLength,). */
  readonly mean: Float32Array;
  readonly factor: Float32Array;
  readonly layers: readonly DenseLayer[];
}

export interface HeatMap {
  /**
   * `exact`: the mean of `values` plus `constant` is the score of the class. `gradient`: what would raise the score most,
   * to first order, negative parts left out; an explanation of the direction, not of the whole score.
   */
  readonly kind: 'exact' | 'gradient';
  /** Shape (side, side), row-major, in units of the score. */
  readonly values: Float64Array;
  readonly side: number;
  /** What no place in the picture contributes to: bias and standardisation. */
  readonly constant: number;
}

/** @returns The input of each layer, z-scores first; after the last, the scores. */
function activations({ mean, factor, layers }: HeadModel, features: Float32Array): Float64Array[] {
  let x = Float64Array.from(features, (value, k) => (value - (mean[k] ?? NaN)) * (factor[k] ?? NaN));
  const all = [x];
  for (const [l, { outputs, kernel, bias }] of layers.entries()) {
    const y = Float64Array.from(bias);
    for (const [i, value] of x.entries()) {
      for (let j = 0; j < outputs; j++) y[j] = (y[j] ?? NaN) + value * (kernel[i * outputs + j] ?? NaN);
    }
    x = l < layers.length - 1 ? y.map((value) => Math.max(0, value)) : y;
    all.push(x);
  }
  return all;
}

/** Derivatives of the score of class `c` by the features, shape (featureLength,); exact, since the layers are dense. */
function gradient({ factor, layers }: HeadModel, inputs: readonly Float64Array[], c: number): Float64Array {
  let byOutput = Float64Array.from({ length: layers.at(-1)?.outputs ?? 0 }, (_, j) => (j === c ? 1 : 0));
  for (const [l, { outputs, kernel }] of [...layers.entries()].reverse()) {
    const downstream = byOutput;
    byOutput = (inputs[l] ?? new Float64Array()).map((input, i) => {
      // The relu before this layer lets nothing through where it gave zero; the z-scores have no relu.
      if (l > 0 && input <= 0) return 0;
      return downstream.reduce((sum, slope, j) => sum + slope * (kernel[i * outputs + j] ?? NaN), 0);
    });
  }
  return byOutput.map((slope, k) => slope * (factor[k] ?? NaN));
}

/** Scores of all classes, before the softmax; float64, shape (classes,). */
export const scoresOf = (model: HeadModel, features: Float32Array): Float64Array =>
  activations(model, features).at(-1) ?? new Float64Array();

/**
 * CAM_c(x, y) = sum over k of w_kc * factor_k * f_k(x, y) for a linear head. For an MLP the weights are the derivatives of
 * the score by the pooled features, and negative places are cut (Grad-CAM; the pooling makes its weights these up to 1/n).
 *
 * @param c - the class, 0 .. classes - 1.
 * @see Zhou et al., CVPR 2016, doi:10.1109/CVPR.2016.319; Selvaraju et al., ICCV 2017, doi:10.1109/ICCV.2017.74
 */
export function heatMap(model: HeadModel, { features, maps }: Pick<Outputs, 'features' | 'maps'>, c: number): HeatMap {
  const inputs = activations(model, features);
  const weights = gradient(model, inputs, c);
  const area = maps.length / features.length;
  const values = new Float64Array(area);
  for (const [k, weight] of weights.entries()) {
    for (let i = 0; i < area; i++) values[i] = (values[i] ?? NaN) + weight * (maps[k * area + i] ?? NaN);
  }
  const exact = model.layers.length === 1;
  const constant = exact
    ? weights.reduce((sum, w, k) => sum - w * (model.mean[k] ?? NaN), model.layers[0]?.bias[c] ?? NaN)
    : 0;
  return {
    kind: exact ? 'exact' : 'gradient',
    values: exact ? values : values.map((value) => Math.max(0, value)),
    side: Math.round(Math.sqrt(area)),
    constant,
  };
}
