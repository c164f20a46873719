/** One hospital's part of a round: some epochs of Adam on its own embeddings, from the global parameters. */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { HeadSpec } from '@consilium/model-spec';
import type { HeadBackend } from './backend.js';
import { epochOrder, gather, type Examples } from './batches.js';
import { checkExamples, checkParameters } from './checks.js';
import { classWeights, type ClassWeighting } from './class-weights.js';
import { EarlyStop, type EarlyStopSettings } from './early-stop.js';
import { activate, inTurn } from './engine.js';
import { HeadError } from './errors.js';
import { LocalPass, type PenaltySettings } from './local-pass.js';
import { checkSchedule, scheduleFactor, type RunSpan, type Schedule } from './schedule.js';

export interface TrainingJob extends PenaltySettings {
  readonly spec: HeadSpec;
  /** Global parameters, float32, shape (d,): the start, and what the proximal term pulls towards. Not modified. */
  readonly parameters: Float32Array;
  /** At least one example; a set with one class only is allowed. Not modified. */
  readonly examples: Examples;
  /** Passes over all examples, an integer >= 1. */
  readonly epochs: number;
  /** Examples per step, an integer >= 1; the last batch of an epoch may be smaller and counts with its own mean. */
  readonly batchSize: number;
  /** Adam's step size where the schedule's factor is 1, > 0, dimensionless. */
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Where these epochs lie in the schedule; by default they are the whole run. */
  readonly span?: RunSpan;
  /** From the labels of `examples`. */
  readonly classWeights: ClassWeighting;
  /** Ends early, and returns the best epoch, by the loss on a part of this hospital's own data. */
  readonly earlyStop?: EarlyStopSettings;
  /** Decides the order of the examples and nothing else. */
  readonly seed: string;
  /** Stops before the next batch; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface TrainedHead {
  /** float32, shape (d,), finite. The update is the difference from the job's parameters. */
  readonly parameters: Float32Array;
  /** Mean weighted cross-entropy of each epoch, without penalties, each example as it was met: before its batch's step. */
  readonly lossPerEpoch: readonly number[];
  /** After each epoch, on the validation part of `earlyStop`; empty without it. */
  readonly validationLossPerEpoch: readonly number[];
  /** Whose parameters these are, from 1: the last epoch, or with `earlyStop` the best one. */
  readonly epoch: number;
  /** Gradient steps taken: ceil(n / batchSize) for each epoch that was run. */
  readonly steps: number;
}

function checkJob(job: TrainingJob, span: RunSpan): void {
  const { spec, parameters, examples, epochs, batchSize, learningRate, l2, proximalMu, earlyStop } = job;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
  if (!isCount(epochs) || !isCount(batchSize)) {
    throw new HeadError('BAD_SETTINGS', 'epochs and batchSize must be integers of at least 1');
  }
  const isWeight = (value: number): boolean => value >= 0 && value < Infinity;
  if (!(learningRate > 0 && learningRate < Infinity) || !isWeight(l2) || !isWeight(proximalMu)) {
    throw new HeadError('BAD_SETTINGS', 'learningRate must be above 0, l2 and proximalMu at least 0, all finite');
  }
  if (earlyStop !== undefined && !isCount(earlyStop.patienceEpochs)) {
    throw new HeadError('BAD_SETTINGS', 'patienceEpochs must be an integer of at least 1');
  }
  checkSchedule(job.schedule, span, epochs);
  checkParameters(spec, parameters);
  checkExamples(spec, examples, 'there is nothing to train on');
  if (earlyStop !== undefined) checkExamples(spec, earlyStop.validation, 'there is nothing to validate on');
}

/**
 * Minimises the mean weighted softmax cross-entropy of a batch, plus (l2/2) times the squared norm of the kernels (not the
 * biases), plus (proximalMu/2) times the squared distance from the job's parameters, by Adam (0.9, 0.999, 1e-7) with
 * moments that start at zero in every call. The learning rate changes between epochs, never within one.
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
  const { spec, examples, epochs, batchSize, seed, signal } = job;
  const span = job.span ?? { epochsBefore: 0, epochsOfRun: epochs };
  checkJob(job, span);
  const n = examples.labels.length;
  const weights = classWeights(job.classWeights, examples.labels, spec.classes);
  return inTurn(async () => {
    await activate(backend.id);
    const pass = new LocalPass(spec, job.parameters, job);
    const stop = job.earlyStop && new EarlyStop(job.earlyStop, spec.inputs, weights);
    const beforeBatch = async (): Promise<void> => {
      await nextTick();
      signal?.throwIfAborted();
      // Another library may have switched tfjs to its own engine while we were away.
      await activate(backend.id);
    };
    try {
      const lossPerEpoch: number[] = [];
      for (let epoch = 1; epoch <= epochs && stop?.hasStopped !== true; epoch++) {
        const order = epochOrder(seed, epoch, n);
        const factor = scheduleFactor(job.schedule, span.epochsBefore + epoch - 1, span.epochsOfRun);
        for (let start = 0; start < n; start += batchSize) {
          await beforeBatch();
          pass.step(
            gather(examples, order.slice(start, start + batchSize), spec.inputs, weights),
            job.learningRate * factor,
          );
        }
        const loss = pass.takeSummedLoss() / n;
        if (!Number.isFinite(loss)) throw diverged(epoch);
        lossPerEpoch.push(loss);
        await stop?.judge(pass, beforeBatch);
        onEpoch?.(epoch, loss);
      }
      const parameters = stop?.best?.parameters ?? pass.parameters();
      if (!parameters.every(Number.isFinite)) throw diverged(lossPerEpoch.length);
      return {
        parameters,
        lossPerEpoch,
        validationLossPerEpoch: stop?.losses ?? [],
        epoch: stop?.best?.epoch ?? lossPerEpoch.length,
        steps: pass.steps,
      };
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
