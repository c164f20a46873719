/** The training step in plain float64 loops, written per example: what an engine must reproduce before it is trusted. */
import type { HeadSpec } from '@consilium/model-spec';
import { adamConstants, adamScale } from './adam.js';
import type { Examples } from './batches.js';
import { activations, softmax } from './forward.js';
import { layersOf, type Layer } from './layers.js';
import type { StepSettings } from './local-pass.js';

/** Adds one example's share of the mean gradient to the flat vector, last layer first. @returns Its cross-entropy. */
function addGradient(
  gradient: Float64Array,
  layers: readonly Layer[],
  x: Float32Array,
  label: number,
  share: number,
): number {
  const values = activations(x, layers);
  const probabilities = softmax(values.at(-1) as Float64Array);
  let upstream = probabilities.map((p, j) => (p - (j === label ? 1 : 0)) * share);
  let end = gradient.length;
  for (const [l, { inputs, outputs, kernel }] of [...layers.entries()].reverse()) {
    const input = values[l] as Float64Array;
    const start = end - (inputs + 1) * outputs;
    const down = new Float64Array(inputs);
    for (let j = 0; j < outputs; j++) {
      const u = upstream[j] as number;
      for (let i = 0; i < inputs; i++) {
        const at = start + i * outputs + j;
        gradient[at] = (gradient[at] as number) + (input[i] as number) * u;
        if ((input[i] as number) > 0) down[i] = (down[i] as number) + u * (kernel[i * outputs + j] as number);
      }
      const at = start + inputs * outputs + j;
      gradient[at] = (gradient[at] as number) + u;
    }
    upstream = down;
    end = start;
  }
  return -Math.log(probabilities[label] as number);
}

/**
 * @param batches - rows of `examples` for each step, in order.
 * @returns Parameters after the last step, float64 (d,); and the cross-entropy summed over every example of every step.
 */
export function referenceSteps(
  spec: HeadSpec,
  parameters: Float32Array,
  { embeddings, labels }: Examples,
  batches: readonly (readonly number[])[],
  { learningRate, l2 }: StepSettings,
): { readonly parameters: Float64Array; readonly summedLoss: number } {
  const { beta1, beta2 } = adamConstants;
  const current = Float64Array.from(parameters);
  const first = new Float64Array(current.length);
  const second = new Float64Array(current.length);
  let summedLoss = 0;
  for (const [t, rows] of batches.entries()) {
    const layers = layersOf(spec, current);
    const gradient = new Float64Array(current.length);
    for (const row of rows) {
      const x = embeddings.subarray(row * spec.inputs, (row + 1) * spec.inputs);
      summedLoss += addGradient(gradient, layers, x, labels[row] as number, 1 / rows.length);
    }
    let offset = 0;
    for (const { inputs, outputs } of layers) {
      const end = offset + inputs * outputs;
      for (let k = offset; k < end; k++) gradient[k] = (gradient[k] as number) + l2 * (current[k] as number);
      offset = end + outputs;
    }
    const { stepSize, epsilon } = adamScale(learningRate, t + 1);
    for (const [k, g] of gradient.entries()) {
      const m = (first[k] = beta1 * (first[k] as number) + (1 - beta1) * g);
      const v = (second[k] = beta2 * (second[k] as number) + (1 - beta2) * g * g);
      current[k] = (current[k] as number) - (stepSize * m) / (Math.sqrt(v) + epsilon);
    }
  }
  return { parameters: current, summedLoss };
}
