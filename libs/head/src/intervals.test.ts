/**
 * Claims: (1) a seed decides an interval; (2) that of an accuracy has the quantiles of the binomial distribution that a
 * plain bootstrap draws from; (3) drawn by patient, n images of n / 4 patients say no more than n / 4 images; (4) 95 %
 * intervals hold the truth about as often as they say; (5) what half of the resamples cannot define has no interval.
 * Oracle: the binomial distribution, summed here; a population whose accuracy is set.
 * False alarms: (4) a percentile interval at n = 80 and accuracy 0.8 holds in 0.94 of cases or a little more (measured on
 * 1,000); of 300 trials, binomial, at most 255 or at least 297: below 1 in 1,000. The seed is fixed: always or never.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { HeadError, intervals } from './index.js';

/** Two classes; example k is predicted correctly where `isRight[k]`. */
function predictions(isRight: readonly boolean[]): { probabilities: Float32Array; labels: Int32Array } {
  const labels = Int32Array.from(isRight, (_, k) => k % 2);
  const probabilities = new Float32Array(2 * isRight.length).fill(0.25);
  for (const [k, right] of isRight.entries()) probabilities[2 * k + (right ? k % 2 : 1 - (k % 2))] = 0.75;
  return { probabilities, labels };
}

/** Smallest k with P(Binomial(n, p) <= k) >= level. */
function binomialQuantile(n: number, p: number, level: number): number {
  let term = (1 - p) ** n;
  let below = term;
  for (let k = 0; ; k++) {
    if (below >= level) return k;
    term *= ((n - k) / (k + 1)) * (p / (1 - p));
    below += term;
  }
}

describe('intervals', () => {
  it('are repeatable, and another seed gives others that are close', () => {
    const random = new SeededRandom('repeat');
    const { probabilities, labels } = predictions(Array.from({ length: 100 }, () => random.uniform() < 0.8));
    const once = intervals(probabilities, labels, 2, { seed: 'a' });
    expect(intervals(probabilities, labels, 2, { seed: 'a' })).toEqual(once);
    const other = intervals(probabilities, labels, 2, { seed: 'b' });
    expect(other).not.toEqual(once);
    expect(other.auc?.lower).toBeCloseTo(once.auc?.lower ?? 0, 1);
  });

  it('have the quantiles of the distribution that they draw from', () => {
    const { probabilities, labels } = predictions(Array.from({ length: 200 }, (_, k) => k < 150));
    const { accuracy } = intervals(probabilities, labels, 2, { seed: 'binomial', resamples: 4_000 });
    // 4,000 draws put a 2.5 % quantile within about 0.25 % of probability, one or two counts of 200 here.
    expect(Math.abs((accuracy?.lower ?? 0) * 200 - binomialQuantile(200, 0.75, 0.025))).toBeLessThanOrEqual(2);
    expect(Math.abs((accuracy?.upper ?? 0) * 200 - binomialQuantile(200, 0.75, 0.975))).toBeLessThanOrEqual(2);
  });

  it('drawn by patient, four equal images of a patient count as one', () => {
    const isRight = Array.from({ length: 50 }, (_, k) => k < 36);
    const patients = Int32Array.from({ length: 200 }, (_, k) => 1_000 - Math.floor(k / 4));
    const four = predictions(Array.from(patients, (patient) => isRight[1_000 - patient] === true));
    const byPatient = intervals(four.probabilities, four.labels, 2, { seed: 'p', groups: patients });
    const width = ({ lower, upper }: { lower: number; upper: number }): number => upper - lower;
    const expected = (binomialQuantile(50, 0.72, 0.975) - binomialQuantile(50, 0.72, 0.025)) / 50;
    expect(Math.abs(width(byPatient.accuracy ?? { lower: 0, upper: 0 }) - expected)).toBeLessThanOrEqual(0.04);
    const byImage = intervals(four.probabilities, four.labels, 2, { seed: 'p' });
    expect(width(byImage.accuracy ?? { lower: 0, upper: 1 })).toBeLessThan(0.65 * expected);
  });

  it('hold the truth about as often as they say', () => {
    const truth = 0.8;
    const random = new SeededRandom('coverage');
    const trials = 300;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { probabilities, labels } = predictions(Array.from({ length: 80 }, () => random.uniform() < truth));
      const { accuracy } = intervals(probabilities, labels, 2, { seed: `trial ${trial}`, resamples: 200 });
      if (accuracy !== null && accuracy.lower <= truth && truth <= accuracy.upper) held += 1;
    }
    expect(held / trials).toBeGreaterThan(0.85);
    expect(held / trials).toBeLessThan(0.99);
  });

  it('are null where most resamples lack a class, or there is nothing', () => {
    const probabilities = Float32Array.of(0.9, 0.1, 0.8, 0.2, 0.3, 0.7);
    const oneOfThree = intervals(probabilities, Int32Array.of(0, 0, 0), 2, { seed: 's' });
    expect(oneOfThree.auc).toBeNull();
    expect(oneOfThree.perClass[1]).toEqual({ auc: null, sensitivity: null, specificity: expect.any(Object) as object });
    expect(oneOfThree.accuracy).toEqual({ lower: 0, upper: 1 });
    const none = intervals(new Float32Array(0), new Int32Array(0), 2, { seed: 's' });
    expect(none.accuracy).toBeNull();
    const onePatient = intervals(probabilities, Int32Array.of(0, 1, 1), 2, {
      seed: 's',
      groups: Int32Array.of(7, 7, 7),
    });
    // One patient drawn once is the estimate itself: there is no telling how another would do.
    expect(onePatient.accuracy).toBeNull();
  });

  it('refuses groups that are not one for each example, and no resamples', () => {
    const { probabilities, labels } = predictions([true, false]);
    const groups = Int32Array.of(1);
    expect(() => intervals(probabilities, labels, 2, { seed: 's', groups })).toThrow(HeadError);
    expect(() => intervals(probabilities, labels, 2, { seed: 's', resamples: 0 })).toThrow(/at least 1/);
  });
});
