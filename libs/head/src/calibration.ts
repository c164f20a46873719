/** Whether a head that says 0.8 is right in 8 of 10 cases. */
import type { Judgement } from './judgement.js';

export interface ReliabilityBin {
  /** Examples whose confidence lies in this bin, at least 1. */
  readonly examples: number;
  /** Their mean confidence: the probability of the class that was predicted. */
  readonly confidence: number;
  /** The share of them that was predicted correctly. */
  readonly accuracy: number;
}

/** As in the literature; with 15 bins the figure of a small test part is mostly noise, and too large. */
const BINS = 15;

/**
 * Bins of equal width on (0, 1], each closed above, by the confidence in the predicted class.
 *
 * @returns Bins with at least one example, by ascending confidence.
 * @see Guo et al., ICML 2017, arXiv:1706.04599, section 2
 */
export function reliabilityOf({ labels, predicted, confidence }: Judgement): readonly ReliabilityBin[] {
  const bins = Array.from({ length: BINS }, () => ({ examples: 0, confidence: 0, right: 0 }));
  for (const [k, sure] of confidence.entries()) {
    const bin = bins[Math.min(BINS - 1, Math.max(0, Math.ceil(sure * BINS) - 1))] as (typeof bins)[number];
    bin.examples += 1;
    bin.confidence += sure;
    if (labels[k] === predicted[k]) bin.right += 1;
  }
  return bins
    .filter(({ examples }) => examples > 0)
    .map(({ examples, confidence, right }) => ({
      examples,
      confidence: confidence / examples,
      accuracy: right / examples,
    }));
}

/** @returns The mean of |accuracy - confidence| over the examples, 0..1; null without examples. */
export function calibrationError(bins: readonly ReliabilityBin[]): number | null {
  const total = bins.reduce((sum, { examples }) => sum + examples, 0);
  if (total === 0) return null;
  return bins.reduce((sum, { examples, confidence, accuracy }) => {
    return sum + (examples / total) * Math.abs(accuracy - confidence);
  }, 0);
}
