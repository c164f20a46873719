/** How far figures of a test part this small may be from those of the patients it stands for: 95 % bootstrap intervals. */
import { SeededRandom } from '@consilium/tensors';
import { checkLength } from './checks.js';
import { HeadError } from './errors.js';
import { figuresOf, type Figures } from './figures.js';
import { judge, type Judgement } from './judgement.js';

export interface Interval {
  /** 2.5 % quantile of the resamples. */
  readonly lower: number;
  /** 97.5 % quantile. */
  readonly upper: number;
}

/** Null where a figure has no interval: one patient only, or not defined in half of the resamples. */
export interface Intervals {
  readonly accuracy: Interval | null;
  readonly balancedAccuracy: Interval | null;
  readonly auc: Interval | null;
  /** In the order of the classes. */
  readonly perClass: readonly {
    readonly auc: Interval | null;
    readonly sensitivity: Interval | null;
    readonly specificity: Interval | null;
  }[];
}

export interface BootstrapSettings {
  readonly seed: string;
  /**
   * Shape (n,): which patient an example belongs to, any integers. Patients are then drawn with all their examples, as
   * images of one patient say less than images of several. By default each example is its own patient.
   */
  readonly groups?: Int32Array;
  /** An integer >= 1; by default 1,000. */
  readonly resamples?: number;
}

/**
 * Plain percentile bootstrap: resamples of as many patients, drawn with replacement, not stratified. A mean over classes
 * counts a resample only if each class of the estimate is in it: otherwise it would be the mean of another thing.
 *
 * What it cannot do: where all examples are right, so are all resamples, and the interval has no width; and on few patients
 * it is too narrow. Measured, an interval of an accuracy of 0.9 holds it in 94 of 100 cases with 80 patients, in 92 with 40,
 * in 86 with 20.
 * Synchronous: about 0.1 s for 1,000 examples of 3 classes.
 *
 * @param probabilities - float32, shape (n, classes), as from `predict`.
 * @param labels - shape (n,), 0 .. classes - 1.
 * @throws {@link HeadError} `WRONG_SHAPE`, `NOT_FINITE`, `UNKNOWN_LABEL` or `BAD_SETTINGS`.
 * @see Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13
 */
export function intervals(
  probabilities: Float32Array,
  labels: Int32Array,
  classes: number,
  { seed, groups = Int32Array.from(labels.keys()), resamples = 1_000 }: BootstrapSettings,
): Intervals {
  if (!Number.isSafeInteger(resamples) || resamples < 1) {
    throw new HeadError('BAD_SETTINGS', 'resamples must be an integer of at least 1');
  }
  checkLength('groups', groups.length, labels.length);
  const judgement = judge(probabilities, labels, classes);
  const estimate = figuresOf(judgement, new Float64Array(labels.length).fill(1));
  const drawn =
    new Set(groups).size < 2 ? [] : [...resample(judgement, groups, new SeededRandom(`${seed}/bootstrap`), resamples)];
  const present = (figures: Figures): number =>
    figures.perClass.filter(({ sensitivity }) => sensitivity !== null).length;
  const complete = drawn.map((figures) => (present(figures) === present(estimate) ? figures : undefined));
  const ofClass = (c: number, figure: 'auc' | 'sensitivity' | 'specificity'): Interval | null =>
    quantiles(drawn.map(({ perClass }) => perClass[c]?.[figure]));
  return {
    accuracy: quantiles(drawn.map(({ accuracy }) => accuracy)),
    balancedAccuracy: quantiles(complete.map((figures) => figures?.balancedAccuracy)),
    auc: quantiles(complete.map((figures) => figures?.auc)),
    perClass: estimate.perClass.map((_, c) => ({
      auc: ofClass(c, 'auc'),
      sensitivity: ofClass(c, 'sensitivity'),
      specificity: ofClass(c, 'specificity'),
    })),
  };
}

function* resample(
  judgement: Judgement,
  groups: Int32Array,
  random: SeededRandom,
  resamples: number,
): Generator<Figures> {
  const dense = new Map<number, number>();
  const groupOf = groups.map((group) => {
    if (!dense.has(group)) dense.set(group, dense.size);
    return dense.get(group) as number;
  });
  const drawnOf = new Float64Array(dense.size);
  const counts = new Float64Array(groups.length);
  for (let b = 0; b < resamples; b++) {
    drawnOf.fill(0);
    for (let draw = 0; draw < dense.size; draw++) {
      const group = random.integer(dense.size);
      drawnOf[group] = (drawnOf[group] as number) + 1;
    }
    for (const [k, group] of groupOf.entries()) counts[k] = drawnOf[group] as number;
    yield figuresOf(judgement, counts);
  }
}

/** @param values - one for each resample; what is not a number does not count. */
function quantiles(values: readonly (number | null | undefined)[]): Interval | null {
  const sorted = Float64Array.from(values.filter((value) => typeof value === 'number')).sort();
  if (sorted.length === 0 || sorted.length < values.length / 2) return null;
  const at = (level: number): number => {
    const position = level * (sorted.length - 1);
    const below = sorted[Math.floor(position)] as number;
    return below + (position % 1) * ((sorted[Math.ceil(position)] as number) - below);
  };
  return { lower: at(0.025), upper: at(0.975) };
}
