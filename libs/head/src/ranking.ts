/** One class against the rest: examples in the order of their scores, sorted once and then counted as often as needed. */

export interface Ranking {
  /** Shape (n,): examples by ascending score. */
  readonly ascending: Int32Array;
  /** Shape (n,): 1 where the next example in that order has another score, and for the last one. */
  readonly endsTie: Uint8Array;
  /** Shape (n,), by example. */
  readonly isPositive: readonly boolean[];
}

/** @param scores - shape (n,), finite. */
export function rankingOf(scores: ArrayLike<number>, isPositive: readonly boolean[]): Ranking {
  const order = isPositive.map((_, k) => k).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  const endsTie = Uint8Array.from(order, (k, at) => (scores[k] === scores[order[at + 1] ?? -1] ? 0 : 1));
  return { ascending: Int32Array.from(order), endsTie, isPositive };
}

/**
 * The chance that a positive scores above a negative, ties counting half (the Mann-Whitney statistic over all pairs).
 *
 * @param counts - shape (n,): how often each example is there, >= 0.
 * @returns 0..1, or null unless there is at least one positive and one negative.
 * @see Hanley and McNeil, Radiology 143, 1982, doi:10.1148/radiology.143.1.7063747
 */
export function areaUnderCurve({ ascending, endsTie, isPositive }: Ranking, counts: ArrayLike<number>): number | null {
  let concordant = 0;
  let positives = 0;
  let negatives = 0;
  let tiedPositives = 0;
  let tiedNegatives = 0;
  for (let at = 0; at < ascending.length; at++) {
    const k = ascending[at] as number;
    if (isPositive[k]) tiedPositives += counts[k] as number;
    else tiedNegatives += counts[k] as number;
    if (endsTie[at] === 0) continue;
    concordant += tiedPositives * (negatives + tiedNegatives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
    tiedPositives = tiedNegatives = 0;
  }
  return positives === 0 || negatives === 0 ? null : concordant / (positives * negatives);
}

export interface RocPoint {
  /** 1 - specificity, 0..1. */
  readonly falsePositiveRate: number;
  /** Sensitivity, 0..1. */
  readonly truePositiveRate: number;
}

/**
 * From (0, 0) to (1, 1), one point for each score that occurs, thinned evenly to at most `maxPoints`. Without the scores:
 * a threshold is the score of one patient.
 *
 * @param maxPoints - an integer >= 2.
 * @returns null unless there is at least one positive and one negative.
 */
export function rocCurve({ ascending, endsTie, isPositive }: Ranking, maxPoints: number): readonly RocPoint[] | null {
  const positives = isPositive.filter(Boolean).length;
  const negatives = isPositive.length - positives;
  if (positives === 0 || negatives === 0) return null;
  const points: RocPoint[] = [];
  let [above, aboveNegatives] = [0, 0];
  for (let at = ascending.length - 1; at >= 0; at--) {
    // All examples of one score pass the threshold together: a point lies where a run of equal scores is complete.
    if (endsTie[at] === 1) {
      points.push({ falsePositiveRate: aboveNegatives / negatives, truePositiveRate: above / positives });
    }
    if (isPositive[ascending[at] as number]) above += 1;
    else aboveNegatives += 1;
  }
  points.push({ falsePositiveRate: 1, truePositiveRate: 1 });
  if (points.length <= maxPoints) return points;
  const stride = (points.length - 1) / (maxPoints - 1);
  return Array.from({ length: maxPoints }, (_, i) => points[Math.round(i * stride)] as RocPoint);
}
