/** How good predictions are, in figures that one hospital may report. */
import { areaUnderCurve } from './auc.js';
import { checkFinite, checkLabels, checkLength } from './checks.js';

export interface Evaluation {
  readonly examples: number;
  /** Mean cross-entropy in nats; a probability below 2^-52 counts as 2^-52. */
  readonly loss: number | null;
  /** Share of examples whose most probable class is theirs, 0..1; of equal probabilities the lowest class wins. */
  readonly accuracy: number | null;
  /** Mean over the classes present of the share of their examples that was found, 0..1. */
  readonly balancedAccuracy: number | null;
  /** Mean one-vs-rest area over the classes with both positives and negatives, 0..1. */
  readonly auc: number | null;
  /** (classes, classes) counts: row the true class, column the predicted one. */
  readonly confusion: readonly (readonly number[])[];
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;

/**
 * A figure is null where it is not defined (no examples; for the AUC, fewer than two classes present), never NaN.
 *
 * @param probabilities - float32, shape (n, classes), as from `predict`.
 * @param labels - shape (n,), 0 .. classes - 1.
 * @throws {@link HeadError} `WRONG_SHAPE`, `NOT_FINITE` or `UNKNOWN_LABEL`.
 */
export function evaluate(probabilities: Float32Array, labels: Int32Array, classes: number): Evaluation {
  const n = labels.length;
  checkLength('probabilities', probabilities.length, n * classes);
  checkFinite('probabilities', probabilities);
  checkLabels(labels, classes);
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const losses: number[] = [];
  for (const [k, label] of labels.entries()) {
    const row = probabilities.subarray(k * classes, (k + 1) * classes);
    const predicted = row.indexOf(Math.max(...row));
    const counts = confusion[label] as number[];
    counts[predicted] = (counts[predicted] as number) + 1;
    losses.push(-Math.log(Math.max(row[label] as number, 2 ** -52)));
  }
  const ofClass = (c: number): number => (confusion[c] as number[]).reduce((a, b) => a + b, 0);
  const found = confusion.map((counts, c) => counts[c] as number);
  const recalls = found.flatMap((count, c) => (ofClass(c) > 0 ? [count / ofClass(c)] : []));
  const areas = Array.from({ length: classes }, (_, c) =>
    areaUnderCurve(
      Float64Array.from({ length: n }, (_, k) => probabilities[k * classes + c] as number),
      Array.from(labels, (label) => label === c),
    ),
  );
  return {
    examples: n,
    loss: mean(losses),
    accuracy: n === 0 ? null : found.reduce((a, b) => a + b, 0) / n,
    balancedAccuracy: mean(recalls),
    auc: mean(areas.filter((area) => area !== null)),
    confusion,
  };
}
