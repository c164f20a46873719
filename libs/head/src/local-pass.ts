/** The tensors of one training: parameters, Adam's moments and the running loss, from construction to `dispose`. */
import * as tf from '@tensorflow/tfjs';
import { headTensors, type HeadSpec } from '@consilium/model-spec';
import { Adam } from './adam.js';
import type { Batch } from './batches.js';
import { lossAndGradients, summedLoss, type BatchTensors, type LayerTensors, type Penalties } from './objective.js';

export interface PenaltySettings {
  /** Weight of the penalty (l2/2) ||W||^2 on kernels, >= 0, dimensionless. */
  readonly l2: number;
  /** Weight of the proximal term (proximalMu/2) ||w - w_global||^2 on all parameters, >= 0, dimensionless; 0 for none. */
  readonly proximalMu: number;
}

/** Every method is synchronous and uses the engine that is active: see `engine.ts`. */
export class LocalPass {
  readonly #spec: HeadSpec;
  readonly #penalties: Penalties;
  readonly #variables: readonly tf.Variable[];
  readonly #layers: readonly LayerTensors[];
  readonly #adam: Adam;
  readonly #summedLoss: tf.Variable;

  /** @param parameters - where the training starts, and what the proximal term pulls towards. */
  constructor(spec: HeadSpec, parameters: Float32Array, { l2, proximalMu }: PenaltySettings) {
    const upload = (trainable: boolean): tf.Variable[] =>
      headTensors(spec).map(({ shape, offset, length }) =>
        // A copy: the cpu engine keeps the array that it is given, and the caller's parameters are not ours to change.
        tf.tidy(() => tf.variable(tf.tensor(parameters.slice(offset, offset + length), [...shape]), trainable)),
      );
    this.#spec = spec;
    this.#penalties = { l2, proximalMu, anchors: proximalMu === 0 ? [] : upload(false) };
    this.#variables = upload(true);
    this.#layers = this.#variables.flatMap((kernel, i) => {
      const bias = this.#variables[i + 1];
      return i % 2 === 0 && bias
        ? [{ kernel: kernel as tf.Tensor as tf.Tensor2D, bias: bias as tf.Tensor as tf.Tensor1D }]
        : [];
    });
    this.#adam = new Adam(this.#variables);
    this.#summedLoss = tf.tidy(() => tf.variable(tf.scalar(0), false));
  }

  get steps(): number {
    return this.#adam.steps;
  }

  /** One gradient step. The batch is uploaded here and freed here. @param learningRate - Adam's step size, dimensionless. */
  step(batch: Batch, learningRate: number): void {
    tf.tidy(() => {
      const { summedLoss, gradients } = lossAndGradients(this.#layers, this.#upload(batch), this.#penalties);
      this.#summedLoss.assign(tf.add(this.#summedLoss, summedLoss));
      this.#adam.step(gradients, learningRate);
    });
  }

  /** Adds the loss of a batch and learns nothing from it. */
  measure(batch: Batch): void {
    tf.tidy(() => {
      this.#summedLoss.assign(tf.add(this.#summedLoss, summedLoss(this.#layers, this.#upload(batch))));
    });
  }

  #upload({ embeddings, targets, weights, size }: Batch): BatchTensors {
    return {
      x: tf.tensor2d(embeddings, [size, this.#spec.inputs]),
      targets: tf.tensor2d(targets, [size, this.#spec.classes]),
      weights: weights && tf.tensor2d(weights, [size, 1]),
    };
  }

  /** @returns The cross-entropy summed since the last call; one read per epoch, since a GPU has to stop for it. */
  takeSummedLoss(): number {
    const [loss] = this.#summedLoss.dataSync();
    tf.tidy(() => {
      this.#summedLoss.assign(tf.scalar(0));
    });
    return loss ?? Number.NaN;
  }

  /** @returns A new float32 vector, shape (d,), in manifest order. */
  parameters(): Float32Array {
    const tensors = headTensors(this.#spec);
    const flat = new Float32Array(tensors.reduce((sum, { length }) => sum + length, 0));
    for (const [i, { offset }] of tensors.entries()) flat.set((this.#variables[i] as tf.Variable).dataSync(), offset);
    return flat;
  }

  dispose(): void {
    this.#adam.dispose();
    tf.dispose([...this.#variables, ...this.#penalties.anchors, this.#summedLoss]);
  }
}
