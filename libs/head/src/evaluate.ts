/** How good predictions are, in figures that one hospital may report. */
import { calibrationError, reliabilityOf, type ReliabilityBin } from './calibration.js';
import { figuresOf, type ClassFigures, type Figures } from './figures.js';
import { judge, type Judgement } from './judgement.js';
import { rocCurve, type RocPoint } from './ranking.js';

export interface ClassEvaluation extends ClassFigures {
  /** Examples of this class. */
  readonly examples: number;
  /** At most 100 points, from (0, 0) to (1, 1). */
  readonly roc: readonly RocPoint[] | null;
}

export interface Evaluation extends Figures {
  readonly examples: number;
  /** Mean cross-entropy in nats; a probability below 2^-52 counts as 2^-52. */
  readonly loss: number | null;
  /** Mean distance between how sure the head was and how often it was right, 0..1 (ECE). */
  readonly calibrationError: number | null;
  /** What {@link calibrationError} is the mean over: bins with at least one example, from unsure to sure. */
  readonly reliability: readonly ReliabilityBin[];
  readonly perClass: readonly ClassEvaluation[];
  /** (classes, classes) counts: row the true class, column the predicted one. */
  readonly confusion: readonly (readonly number[])[];
}

const ROC_POINTS = 100;

/**
 * A figure is null where it is not defined (no examples; for the AUC, fewer than two classes present), never NaN.
 *
 * @param probabilities - float32, shape (n, classes), as from `predict`.
 * @param labels - shape (n,), 0 .. classes - 1.
 * @throws {@link HeadError} `WRONG_SHAPE`, `NOT_FINITE` or `UNKNOWN_LABEL`.
 */
export function evaluate(probabilities: Float32Array, labels: Int32Array, classes: number): Evaluation {
  const judgement = judge(probabilities, labels, classes);
  const n = labels.length;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [k, label] of labels.entries()) {
    const counts = confusion[label] as number[];
    const predicted = judgement.predicted[k] as number;
    counts[predicted] = (counts[predicted] as number) + 1;
  }
  const figures = figuresOf(judgement, new Float64Array(n).fill(1));
  const reliability = reliabilityOf(judgement);
  return {
    ...figures,
    examples: n,
    loss: n === 0 ? null : judgement.losses.reduce((a, b) => a + b, 0) / n,
    calibrationError: calibrationError(reliability),
    reliability,
    perClass: figures.perClass.map((ofClass, c) => ({
      ...ofClass,
      examples: (confusion[c] as number[]).reduce((a, b) => a + b, 0),
      roc: rocCurve(judgement.rankings[c] as Judgement['rankings'][number], ROC_POINTS),
    })),
    confusion,
  };
}
