/** What is minimised, and its gradient, on tfjs tensors. */
import * as tf from '@tensorflow/tfjs';

export interface LayerTensors {
  /** (inputs, outputs) */
  readonly kernel: tf.Tensor2D;
  /** (outputs,) */
  readonly bias: tf.Tensor1D;
}

/**
 * objective = (1/B) sum over the batch of cross-entropy(softmax(scores), label) + (l2/2) sum over kernels of ||W||^2.
 * Biases are not penalised. The derivative of relu at 0 is 0.
 *
 * The gradient is written out instead of taken by `tf.grads`: the wasm engine multiplies a transposed copy eight times
 * faster than it multiplies with a transpose flag, and the flag is what `tf.grads` emits.
 *
 * @param layers - from the embedding to the scores.
 * @param x - (B, inputs). @param oneHot - (B, classes).
 * @returns The batch's summed cross-entropy, without the penalty; and d objective / d tensor, a kernel and a bias per
 *   layer in order. Must be called inside `tf.tidy`.
 */
export function lossAndGradients(
  layers: readonly LayerTensors[],
  x: tf.Tensor2D,
  oneHot: tf.Tensor2D,
  l2: number,
): { readonly summedLoss: tf.Scalar; readonly gradients: readonly tf.Tensor[] } {
  const inputs: tf.Tensor2D[] = [];
  let value = x;
  for (const [l, { kernel, bias }] of layers.entries()) {
    inputs.push(value);
    value = tf.add(tf.matMul(value, kernel), bias);
    if (l < layers.length - 1) value = tf.relu(value);
  }
  const logProbabilities = tf.logSoftmax(value);
  const summedLoss = tf.neg(tf.sum(tf.mul(oneHot, logProbabilities))).asScalar();

  let upstream = tf.div<tf.Tensor2D>(tf.sub(tf.exp(logProbabilities), oneHot), x.shape[0]);
  const gradients: tf.Tensor[] = [];
  for (const [l, { kernel }] of [...layers.entries()].reverse()) {
    const input = inputs[l] as tf.Tensor2D;
    const dataTerm = tf.matMul(tf.transpose(input), upstream);
    gradients.unshift(l2 === 0 ? dataTerm : tf.add(dataTerm, tf.mul(kernel, l2)), tf.sum(upstream, 0));
    if (l > 0) upstream = tf.mul(tf.matMul(upstream, tf.transpose(kernel)), tf.step(input));
  }
  return { summedLoss, gradients };
}
