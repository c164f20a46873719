/**
 * Claims: (1) sums of encoded figures give back the means over hospitals and held-out images, to the resolution of the units;
 * (2) no figure leaves its bound, whatever a hospital computes, and 200 of the largest stay within Int32; (3) a hospital that
 * holds nothing out, or whose part defines no AUC, does not count there. Oracle: float64 means, by hand.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFigures, encodeFigures, SECURE_METRICS, type LocalFigures } from './figures.js';

const heldOut = (examples: number, loss: number, share: number, auc: number | null = share) => ({
  ...{ examples, loss, accuracy: share, balancedAccuracy: share, auc },
});
const summed = (all: readonly LocalFigures[]): number[] =>
  SECURE_METRICS.map((_, i) => all.reduce((sum, one) => sum + (encodeFigures(one)[i] ?? 0), 0));

describe('figures in a sum', () => {
  it('are means over held-out images, and of the training loss over hospitals', () => {
    const all = [
      { trainLoss: 0.25, heldOut: heldOut(100, 0.5, 0.9) },
      { trainLoss: 0.75, heldOut: heldOut(300, 1.5, 0.5, null) },
      { trainLoss: 0.5, heldOut: undefined },
    ];
    const { trainLoss, figures } = decodeFigures(summed(all), 3);
    expect(trainLoss).toBeCloseTo(0.5, 6);
    expect(figures?.examples).toBe(400);
    expect(figures?.loss).toBeCloseTo(1.25, 6);
    expect(figures?.balancedAccuracy).toBeCloseTo(0.6, 6);
    expect(figures?.auc).toBeCloseTo(0.9, 6);
  });

  it('are none where nobody holds anything out', () => {
    expect(decodeFigures(summed([{ trainLoss: 1, heldOut: undefined }]), 1)).toEqual({ trainLoss: 1, figures: null });
  });

  it('stay whole and within their bounds', () => {
    const figure = fc.oneof(fc.double(), fc.constant(Infinity), fc.constant(NaN));
    const examples = fc.oneof(fc.nat(), fc.constant(0));
    fc.assert(
      fc.property(
        figure,
        figure,
        fc.double({ min: 0, max: 1, noNaN: true }),
        examples,
        (trainLoss, loss, share, heldOutExamples) => {
          const values = encodeFigures({ trainLoss, heldOut: heldOut(heldOutExamples, loss, share) });
          values.forEach((value, i) => {
            expect(Number.isSafeInteger(value)).toBe(true);
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(SECURE_METRICS[i]?.max ?? 0);
          });
        },
      ),
    );
    expect(Math.max(...SECURE_METRICS.map(({ max }) => max)) * 200).toBeLessThan(2 ** 31);
  });
});
