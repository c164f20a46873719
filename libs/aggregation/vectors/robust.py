"""Robust aggregates in float64, from NumPy, SciPy and the papers and not from our code; prints robust.json.

    pip install numpy==2.4.6 scipy==1.17.1
    python robust.py > robust.json

- median: numpy.median. trimmed-mean: scipy.stats.trim_mean, whose proportion f / n cuts f values at each end.
- multi-krum: Blanchard et al., NeurIPS 2017, section 4: the score of an update is the sum of its squared distances to its
  n - f - 2 closest others; the mean of the n - f - 2 updates of the smallest scores.
- trimmed-share: counted with numpy.partition, without sorting.

The last f updates of a case are the attack: far away (scale 50), signs turned (scale -4), or a little shift of all
coordinates (scale 1.5). Coordinate 0 has equal values in several updates, coordinate 1 is zero in all.
"""
import json

import numpy as np
from scipy import stats

D = 11
rng = np.random.default_rng(20170612)


def updates(n, f, scale):
    center = rng.normal(scale=0.1, size=D)
    all_ = center + rng.normal(scale=0.02, size=(n, D))
    all_[n - f :] = scale * center + rng.normal(scale=0.02, size=(f, D))
    all_[: n // 2, 0] = 0.125
    all_[:, 1] = 0.0
    return all_.astype(np.float32)


def krum(values, f):
    x = values.astype(np.float64)
    n = len(x)
    squared = ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    scores = np.sort(squared, axis=1)[:, : n - f - 2].sum(axis=1)
    kept = np.sort(np.argsort(scores, kind="stable")[: n - f - 2])
    return x[kept].mean(axis=0), scores, kept


def trimmed(values, f):
    x = values.astype(np.float64)
    n = len(x)
    part = np.partition(x, [f, n - f - 1], axis=0)
    shares = ((x < part[f]) | (x > part[n - f - 1])).mean(axis=1)
    return stats.trim_mean(x, f / n, axis=0), shares


cases = []
for n, f, scale in [(3, 1, 50), (4, 1, -4), (5, 1, 50), (6, 2, -4), (7, 2, 1.5), (9, 3, 50), (10, 3, -4), (40, 12, -4)]:
    values = updates(n, f, scale)
    case = {"count": n, "faulty": f, "updates": values.astype(np.float64).tolist()}
    case["median"] = np.median(values.astype(np.float64), axis=0).tolist()
    if n >= max(5, 2 * f + 1):
        mean, shares = trimmed(values, f)
        case["trimmedMean"] = {"mean": mean.tolist(), "shares": shares.tolist()}
    if n >= 2 * f + 3:
        mean, scores, kept = krum(values, f)
        case["multiKrum"] = {"mean": mean.tolist(), "scores": scores.tolist(), "kept": kept.tolist()}
    cases.append(case)

print("[")
print(",\n".join(json.dumps(case) for case in cases))
print("]")
