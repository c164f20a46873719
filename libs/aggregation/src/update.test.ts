/**
 * Claims: (1) a bad coordinate is refused by its index, without its value; (2) the norm bound is the L2 norm, inclusive.
 * Oracle: norms known by hand (3-4-5).
 */
import { describe, expect, it } from 'vitest';
import { AggregationError, checkUpdate } from './index.js';

function refusal(run: () => unknown): AggregationError {
  try {
    run();
  } catch (error) {
    if (error instanceof AggregationError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('checkUpdate', () => {
  it('returns the very array', () => {
    const update = Float32Array.of(3, 4);
    expect(checkUpdate(update, { parameters: 2, maxNorm: 5 })).toBe(update);
  });

  it('bounds the L2 norm', () => {
    const update = Float32Array.of(3, 4);
    expect(refusal(() => checkUpdate(update, { parameters: 2, maxNorm: 4.999 })).code).toBe('NORM_TOO_LARGE');
    // 3.4e38 squared is beyond float32 but not beyond float64.
    expect(checkUpdate(Float32Array.of(3e38), { parameters: 1, maxNorm: 4e38 })).toHaveLength(1);
    expect(() => checkUpdate(update, { parameters: 2, maxNorm: Number.NaN })).toThrow(RangeError);
  });

  it('names the index and never the value', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const error = refusal(() => checkUpdate(Float32Array.of(0, 0.123, bad), { parameters: 3 }));
      expect(error.code).toBe('NOT_FINITE');
      expect(error.message).toBe('coordinate 2 is not a finite number');
    }
    expect(refusal(() => checkUpdate(Float32Array.of(123.5), { parameters: 1, maxNorm: 1 })).message).not.toMatch(
      /123/,
    );
  });
});
