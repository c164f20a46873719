/** What is minimised, and its gradient, on tfjs tensors. */
import * as tf from '@tensorflow/tfjs';

export interface LayerTensors {
  /** (inputs, outputs) */
  readonly kernel: tf.Tensor2D;
  /** (outputs,) */
  readonly bias: tf.Tensor1D;
}

/** A batch on the engine. */
export interface BatchTensors {
  /** (B, inputs) */
  readonly x: tf.Tensor2D;
  /** (B, classes): the weight of each example at its class, zero elsewhere. */
  readonly targets: tf.Tensor2D;
  /** (B, 1): the same weights; undefined where all are 1. */
  readonly weights: tf.Tensor2D | undefined;
}

/** What pulls parameters, beside the data. */
export interface Penalties {
  /** Towards zero, on kernels: (l2/2) ||W||^2. */
  readonly l2: number;
  /** Towards `anchors`, on everything: (proximalMu/2) ||w - w_global||^2. */
  readonly proximalMu: number;
  /** The global parameters, a kernel and a bias per layer in order; read only where `proximalMu` is above 0. */
  readonly anchors: readonly tf.Tensor[];
}

interface Forward {
  /** What went into each layer. */
  readonly inputs: readonly tf.Tensor2D[];
  readonly logProbabilities: tf.Tensor2D;
  readonly summedLoss: tf.Scalar;
}

function forward(layers: readonly LayerTensors[], { x, targets }: BatchTensors): Forward {
  const inputs: tf.Tensor2D[] = [];
  let value = x;
  for (const [l, { kernel, bias }] of layers.entries()) {
    inputs.push(value);
    value = tf.add(tf.matMul(value, kernel), bias);
    if (l < layers.length - 1) value = tf.relu(value);
  }
  const logProbabilities = tf.logSoftmax(value);
  return { inputs, logProbabilities, summedLoss: tf.neg(tf.sum(tf.mul(targets, logProbabilities))).asScalar() };
}

/** @returns The batch's summed weighted cross-entropy, without a penalty. Must be called inside `tf.tidy`. */
export const summedLoss = (layers: readonly LayerTensors[], batch: BatchTensors): tf.Scalar =>
  forward(layers, batch).summedLoss;

/**
 * objective = (1/B) sum over the batch of weight(label) cross-entropy(softmax(scores), label)
 *           + (l2/2) sum over kernels of ||W||^2 + (proximalMu/2) ||w - w_global||^2 over all parameters.
 * Biases have no L2. The derivative of relu at 0 is 0. Weighted examples are divided by their number, not by the sum of
 * their weights: the mean weight over an epoch is 1, and a batch of rare examples shall pull harder than another.
 *
 * The gradient is written out instead of taken by `tf.grads`: the wasm engine multiplies a transposed copy eight times
 * faster than it multiplies with a transpose flag, and the flag is what `tf.grads` emits.
 *
 * @param layers - from the embedding to the scores.
 * @returns The batch's summed weighted cross-entropy, without the penalties; and d objective / d tensor, a kernel and a
 *   bias per layer in order. Must be called inside `tf.tidy`.
 * @see Li et al., MLSys 2020, arXiv:1812.06127, equation 2, for the proximal term
 */
export function lossAndGradients(
  layers: readonly LayerTensors[],
  batch: BatchTensors,
  { l2, proximalMu, anchors }: Penalties,
): { readonly summedLoss: tf.Scalar; readonly gradients: readonly tf.Tensor[] } {
  const { inputs, logProbabilities, summedLoss } = forward(layers, batch);
  const probabilities = tf.exp(logProbabilities);
  const weighted = batch.weights === undefined ? probabilities : tf.mul(probabilities, batch.weights);
  let upstream = tf.div<tf.Tensor2D>(tf.sub(weighted, batch.targets), batch.x.shape[0]);
  const gradients: tf.Tensor[] = [];
  for (const [l, { kernel }] of [...layers.entries()].reverse()) {
    const input = inputs[l] as tf.Tensor2D;
    const dataTerm = tf.matMul(tf.transpose(input), upstream);
    gradients.unshift(l2 === 0 ? dataTerm : tf.add(dataTerm, tf.mul(kernel, l2)), tf.sum(upstream, 0));
    if (l > 0) upstream = tf.mul(tf.matMul(upstream, tf.transpose(kernel)), tf.step(input));
  }
  if (proximalMu === 0) return { summedLoss, gradients };
  const variables = layers.flatMap(({ kernel, bias }): tf.Tensor[] => [kernel, bias]);
  const pulled = gradients.map((gradient, i) =>
    tf.add(gradient, tf.mul(tf.sub(variables[i] as tf.Tensor, anchors[i] as tf.Tensor), proximalMu)),
  );
  return { summedLoss, gradients: pulled };
}
