/** The training step in plain float64 loops, written per example: what an engine must reproduce before it is trusted. */
import type { HeadSpec } from '@consilium/model-spec';
import { adamConstants, adamScale } from './adam.js';
import type { Examples } from './batches.js';
import { activations, softmax } from './forward.js';
import { layersOf, type Layer } from './layers.js';
import type { PenaltySettings } from './local-pass.js';

export interface ReferenceStep {
  /** Rows of the examples, in order. */
  readonly rows: readonly number[];
  readonly learningRate: number;
}

export interface ReferenceObjective extends PenaltySettings {
  /** What the proximal term pulls towards, shape (d,). */
  readonly anchor: Float32Array;
  /** Shape (classes,). */
  readonly weightOfClass: Float64Array;
}

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

/** @returns The gradient of `objective.ts` at `current`, float64 (d,); and the summed weighted cross-entropy of the rows. */
export function referenceGradient(
  spec: HeadSpec,
  current: Float64Array,
  { embeddings, labels }: Examples,
  rows: readonly number[],
  { l2, proximalMu, anchor, weightOfClass }: ReferenceObjective,
): { readonly gradient: Float64Array; readonly summedLoss: number } {
  const layers = layersOf(spec, current);
  const gradient = new Float64Array(current.length);
  let summedLoss = 0;
  for (const row of rows) {
    const x = embeddings.subarray(row * spec.inputs, (row + 1) * spec.inputs);
    const label = labels[row] as number;
    const weight = weightOfClass[label] as number;
    summedLoss += weight * addGradient(gradient, layers, x, label, weight / rows.length);
  }
  let offset = 0;
  for (const { inputs, outputs } of layers) {
    const end = offset + inputs * outputs;
    for (let k = offset; k < end; k++) gradient[k] = (gradient[k] as number) + l2 * (current[k] as number);
    offset = end + outputs;
  }
  return {
    gradient: gradient.map((g, k) => g + proximalMu * ((current[k] as number) - (anchor[k] as number))),
    summedLoss,
  };
}

/** @returns Parameters after the last step, float64 (d,); and the weighted cross-entropy summed over all steps. */
export function referenceSteps(
  spec: HeadSpec,
  parameters: Float32Array,
  examples: Examples,
  steps: readonly ReferenceStep[],
  objective: Omit<ReferenceObjective, 'anchor'>,
): { readonly parameters: Float64Array; readonly summedLoss: number } {
  const { beta1, beta2 } = adamConstants;
  const current = Float64Array.from(parameters);
  const first = new Float64Array(current.length);
  const second = new Float64Array(current.length);
  let total = 0;
  for (const [t, { rows, learningRate }] of steps.entries()) {
    const { gradient, summedLoss } = referenceGradient(spec, current, examples, rows, {
      ...objective,
      anchor: parameters,
    });
    total += summedLoss;
    const { stepSize, epsilon } = adamScale(learningRate, t + 1);
    for (const [k, g] of gradient.entries()) {
      const m = (first[k] = beta1 * (first[k] as number) + (1 - beta1) * g);
      const v = (second[k] = beta2 * (second[k] as number) + (1 - beta2) * g * g);
      current[k] = (current[k] as number) - (stepSize * m) / (Math.sqrt(v) + epsilon);
    }
  }
  return { parameters: current, summedLoss: total };
}
