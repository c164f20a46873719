/** Predictions beside the truth, prepared so that every figure of them is one pass over the examples. */
import { checkFinite, checkLabels, checkLength } from './checks.js';
import { rankingOf, type Ranking } from './ranking.js';

export interface Judgement {
  readonly classes: number;
  /** Shape (n,), 0 .. classes - 1. */
  readonly labels: Int32Array;
  /** Shape (n,): the most probable class; of equal probabilities the lowest class. */
  readonly predicted: Int32Array;
  /** Shape (n,): the probability of that class. */
  readonly confidence: Float64Array;
  /** Shape (n,): cross-entropy in nats; a probability below 2^-52 counts as 2^-52. */
  readonly losses: Float64Array;
  /** One for each class, against the rest. */
  readonly rankings: readonly Ranking[];
}

/**
 * @param probabilities - float32, shape (n, classes), as from `predict`.
 * @param labels - shape (n,), 0 .. classes - 1.
 * @throws {@link HeadError} `WRONG_SHAPE`, `NOT_FINITE` or `UNKNOWN_LABEL`.
 */
export function judge(probabilities: Float32Array, labels: Int32Array, classes: number): Judgement {
  const n = labels.length;
  checkLength('probabilities', probabilities.length, n * classes);
  checkFinite('probabilities', probabilities);
  checkLabels(labels, classes);
  const predicted = new Int32Array(n);
  const confidence = new Float64Array(n);
  const losses = new Float64Array(n);
  for (const [k, label] of labels.entries()) {
    const row = probabilities.subarray(k * classes, (k + 1) * classes);
    confidence[k] = Math.max(...row);
    predicted[k] = row.indexOf(confidence[k]);
    losses[k] = -Math.log(Math.max(row[label] as number, 2 ** -52));
  }
  const rankings = Array.from({ length: classes }, (_, c) =>
    rankingOf(
      Float64Array.from({ length: n }, (_, k) => probabilities[k * classes + c] as number),
      Array.from(labels, (label) => label === c),
    ),
  );
  return { classes, labels, predicted, confidence, losses, rankings };
}
