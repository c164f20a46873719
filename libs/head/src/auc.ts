/** Area under the ROC curve of one class against the rest. */

/**
 * The chance that a positive scores above a negative, ties counting half (the Mann-Whitney statistic over all pairs).
 *
 * @returns 0..1, or null unless there is at least one positive and one negative.
 * @see Hanley and McNeil, Radiology 143, 1982, doi:10.1148/radiology.143.1.7063747
 */
export function areaUnderCurve(scores: Float64Array, isPositive: readonly boolean[]): number | null {
  const positives = isPositive.filter(Boolean).length;
  const negatives = scores.length - positives;
  if (positives === 0 || negatives === 0) return null;
  const byScore = Array.from(scores.keys()).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let concordant = 0;
  let negativesBelow = 0;
  for (let start = 0; start < byScore.length;) {
    let tied = 0;
    let tiedPositives = 0;
    const score = scores[byScore[start] as number];
    for (; start + tied < byScore.length && scores[byScore[start + tied] as number] === score; tied++) {
      if (isPositive[byScore[start + tied] as number]) tiedPositives += 1;
    }
    const tiedNegatives = tied - tiedPositives;
    concordant += tiedPositives * (negativesBelow + tiedNegatives / 2);
    negativesBelow += tiedNegatives;
    start += tied;
  }
  return concordant / (positives * negatives);
}
