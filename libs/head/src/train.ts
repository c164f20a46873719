/** One hospital's part of a round: some epochs of Adam on its own embeddings, from the global parameters. */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { HeadSpec } from '@consilium/model-spec';
import type { HeadBackend } from './backend.js';
import { epochOrder, gather, type Examples } from './batches.js';
import { checkEmbeddings, checkLabels, checkParameters } from './checks.js';
import { activate, inTurn } from './engine.js';
import { HeadError } from './errors.js';
import { LocalPass, type StepSettings } from './local-pass.js';

export interface TrainingJob extends StepSettings {
  readonly spec: HeadSpec;
  /** Global parameters, float32, shape (d,). Not modified. */
  readonly parameters: Float32Array;
  /** At least one example; a set with one class only is allowed. Not modified. */
  readonly examples: Examples;
  /** Passes over all examples, an integer >= 1. */
  readonly epochs: number;
  /** Examples per step, an integer >= 1; the last batch of an epoch may be smaller and counts with its own mean. */
  readonly batchSize: number;
  /** Decides the order of the examples and nothing else. */
  readonly seed: string;
  /** Stops before the next batch; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface TrainedHead {
  /** float32, shape (d,), finite. The update is the difference from the job's parameters. */
  readonly parameters: Float32Array;
  /** Mean cross-entropy of each epoch, without the penalty, each example as it was met: before the step on its batch. */
  readonly lossPerEpoch: readonly number[];
  /** Gradient steps taken: epochs * ceil(n / batchSize). */
  readonly steps: number;
}

function checkJob({ spec, parameters, examples, epochs, batchSize, learningRate, l2 }: TrainingJob): void {
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
  if (!isCount(epochs) || !isCount(batchSize)) {
    throw new HeadError('BAD_SETTINGS', 'epochs and batchSize must be integers of at least 1');
  }
  if (!(learningRate > 0 && learningRate < Infinity) || !(l2 >= 0 && l2 < Infinity)) {
    throw new HeadError('BAD_SETTINGS', 'learningRate must be above 0, l2 at least 0, both finite');
  }
  checkParameters(spec, parameters);
  if (examples.labels.length === 0) throw new HeadError('NO_EXAMPLES', 'there is nothing to train on');
  checkEmbeddings(spec, examples.embeddings, examples.labels.length);
  checkLabels(examples.labels, spec.classes);
}

/**
 * Minimises the mean softmax cross-entropy of a batch plus (l2/2) times the squared norm of the kernels (not the biases),
 * by Adam (0.9, 0.999, 1e-7) with moments that start at zero in every call.
 *
 * Repeatable bit by bit on wasm and cpu of one machine type; engines agree with each other to float32 rounding, and a GPU
 * with itself likewise. Returns to the event loop before every batch, so that heartbeats live. Trainings of one process
 * take turns.
 *
 * @param onEpoch - called after each epoch, from 1; what it throws ends the training.
 * @throws {@link HeadError} `BAD_SETTINGS`, `NO_EXAMPLES`, `WRONG_SHAPE`, `UNKNOWN_LABEL` or `NOT_FINITE` before any work;
 *   `DIVERGED` if the loss or a parameter stops being finite: nothing of such a training is returned.
 */
export async function trainHead(
  backend: HeadBackend,
  job: TrainingJob,
  onEpoch?: (epoch: number, loss: number) => void,
): Promise<TrainedHead> {
  checkJob(job);
  const { spec, examples, epochs, batchSize, seed, signal } = job;
  const n = examples.labels.length;
  return inTurn(async () => {
    await activate(backend.id);
    const pass = new LocalPass(spec, job.parameters, job);
    try {
      const lossPerEpoch: number[] = [];
      for (let epoch = 1; epoch <= epochs; epoch++) {
        const order = epochOrder(seed, epoch, n);
        for (let start = 0; start < n; start += batchSize) {
          await nextTick();
          signal?.throwIfAborted();
          // Another library may have switched tfjs to its own engine while we were away.
          await activate(backend.id);
          pass.step(gather(examples, order.slice(start, start + batchSize), spec.inputs, spec.classes));
        }
        const loss = pass.takeSummedLoss() / n;
        if (!Number.isFinite(loss)) throw diverged(epoch);
        lossPerEpoch.push(loss);
        onEpoch?.(epoch, loss);
      }
      const parameters = pass.parameters();
      if (!parameters.every(Number.isFinite)) throw diverged(epochs);
      return { parameters, lossPerEpoch, steps: pass.steps };
    } finally {
      pass.dispose();
    }
  });
}

const diverged = (epoch: number): HeadError =>
  new HeadError(
    'DIVERGED',
    `training diverged in epoch ${epoch}: lower the learning rate or standardise the embeddings`,
  );
