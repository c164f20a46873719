/** How much an example of each class counts in the objective. */

export type ClassWeighting = 'none' | 'balanced';

/**
 * `balanced`: n / (K n_c) with n examples, K classes present and n_c examples of class c, from the labels given and nothing
 * else: every class that is present has the same total weight, and the mean weight of an example is exactly 1, so that
 * learning rate and L2 keep their meaning. A class without an example has weight 1, which matters for validation alone.
 *
 * @returns Shape (classes,), each above 0.
 * @see King and Zeng, Political Analysis 9, 2001, doi:10.1093/oxfordjournals.pan.a004868; scikit-learn calls it the same
 */
export function classWeights(weighting: ClassWeighting, labels: Int32Array, classes: number): Float64Array {
  const weights = new Float64Array(classes).fill(1);
  if (weighting === 'none') return weights;
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  const present = counts.filter((count) => count > 0).length;
  return weights.map((weight, c) => {
    const count = counts[c] as number;
    return count > 0 ? labels.length / (present * count) : weight;
  });
}
