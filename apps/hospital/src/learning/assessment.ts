/** A head on held-out images, with how sure one may be of each figure. It stays at the hospital: some cells are one patient. */
import { evaluate, intervals, predict, type Evaluation, type Examples, type Intervals } from '@consilium/head';
import type { RunConfig } from '@consilium/protocol';

export interface Assessment extends Evaluation {
  /** Patients in the test part: what the intervals draw from. */
  readonly patients: number;
  /** 95 %, 1,000 bootstrap resamples of patients. */
  readonly intervals: Intervals;
}

export function scoreHead(config: RunConfig, model: Float32Array, { embeddings, labels }: Examples): Evaluation {
  return evaluate(predict(config.head, model, embeddings, labels.length), labels, config.head.classes);
}

/** @param patients - which test images are of one patient, shape (test images,). */
export function assessHead(
  config: RunConfig,
  model: Float32Array,
  { embeddings, labels }: Examples,
  patients: Int32Array,
): Assessment {
  const { head, runId } = config;
  const probabilities = predict(head, model, embeddings, labels.length);
  return {
    ...evaluate(probabilities, labels, head.classes),
    patients: new Set(patients).size,
    // One seed for all heads: they are compared on the same resamples.
    intervals: intervals(probabilities, labels, head.classes, { seed: runId, groups: patients }),
  };
}
