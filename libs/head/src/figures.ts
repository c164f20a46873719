/** The figures that have a definition for any multiset of judged examples: one definition, for estimates and resamples. */
import type { Judgement } from './judgement.js';
import { areaUnderCurve } from './ranking.js';

export interface ClassFigures {
  /** One-vs-rest area under the ROC curve, 0..1. */
  readonly auc: number | null;
  /** Share of this class's examples that are predicted as it (recall), 0..1. */
  readonly sensitivity: number | null;
  /** Share of all other examples that are not predicted as it, 0..1. */
  readonly specificity: number | null;
}

export interface Figures {
  /** Share of examples whose most probable class is theirs, 0..1; of equal probabilities the lowest class wins. */
  readonly accuracy: number | null;
  /** Mean sensitivity of the classes present, 0..1. */
  readonly balancedAccuracy: number | null;
  /** Mean one-vs-rest area over the classes with both positives and negatives, 0..1. */
  readonly auc: number | null;
  /** In the order of the classes. */
  readonly perClass: readonly ClassFigures[];
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** Of what is defined; null if nothing is. */
function mean(values: readonly (number | null)[]): number | null {
  const defined = values.filter((value) => value !== null);
  return share(
    defined.reduce((a, b) => a + b, 0),
    defined.length,
  );
}

/** @param counts - shape (n,): how often each example is there, integers >= 0. A figure that is not defined is null. */
export function figuresOf({ classes, labels, predicted, rankings }: Judgement, counts: Float64Array): Figures {
  const ofClass = new Float64Array(classes);
  const asClass = new Float64Array(classes);
  const found = new Float64Array(classes);
  for (const [k, count] of counts.entries()) {
    const [label, prediction] = [labels[k] as number, predicted[k] as number];
    ofClass[label] = (ofClass[label] as number) + count;
    asClass[prediction] = (asClass[prediction] as number) + count;
    if (label === prediction) found[label] = (found[label] as number) + count;
  }
  const total = ofClass.reduce((a, b) => a + b, 0);
  const perClass = rankings.map((ranking, c) => {
    const others = total - (ofClass[c] as number);
    const mistaken = (asClass[c] as number) - (found[c] as number);
    return {
      auc: areaUnderCurve(ranking, counts),
      sensitivity: share(found[c] as number, ofClass[c] as number),
      specificity: share(others - mistaken, others),
    };
  });
  return {
    accuracy: share(
      found.reduce((a, b) => a + b, 0),
      total,
    ),
    balancedAccuracy: mean(perClass.map(({ sensitivity }) => sensitivity)),
    auc: mean(perClass.map(({ auc }) => auc)),
    perClass,
  };
}
