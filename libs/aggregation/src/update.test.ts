/**
 * Claims: (1) a bad coordinate is refused by its index, without its value; (2) the norm bound is the L2 norm, inclusive;
 * (3) an update that arrives in blocks equals the whole one, and a refused block changes nothing; (4) an update that is not
 * complete cannot be had. Oracle: norms known by hand (3-4-5), blocks cut by fast-check from a whole update.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AggregationError, checkUpdate, IncomingUpdate } from './index.js';

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

describe('IncomingUpdate', () => {
  const whole = fc.float32Array({ minLength: 1, maxLength: 40, noNaN: true, noDefaultInfinity: true });
  const cut = whole.chain((update) =>
    fc.tuple(fc.constant(update), fc.uniqueArray(fc.integer({ min: 0, max: update.length }), { maxLength: 8 })),
  );

  it('is the whole update again, however it was cut', () => {
    fc.assert(
      fc.property(cut, ([update, cuts]) => {
        const incoming = new IncomingUpdate({ parameters: update.length });
        const edges = [...new Set([0, ...cuts, update.length])].sort((a, b) => a - b);
        for (const [i, end] of edges.entries()) {
          if (i > 0) incoming.add(edges[i - 1] as number, update.subarray(edges[i - 1], end));
        }
        expect(incoming.finish()).toEqual(update);
      }),
    );
  });

  it('refuses a bad block, keeps what it had and takes the right one afterwards', () => {
    const incoming = new IncomingUpdate({ parameters: 4, maxNorm: 10 });
    incoming.add(0, Float32Array.of(1, 2));
    const blocks: [string, number, number[]][] = [
      ['WRONG_BLOCK', 0, [9]],
      ['WRONG_BLOCK', 3, [9]],
      ['WRONG_BLOCK', 2, []],
      ['WRONG_BLOCK', 2, [9, 9, 9]],
      ['WRONG_BLOCK', Number.NaN, [9]],
      ['NOT_FINITE', 2, [9, Number.NaN]],
    ];
    for (const [code, offset, values] of blocks) {
      expect(
        refusal(() => {
          incoming.add(offset, Float32Array.from(values));
        }).code,
      ).toBe(code);
      expect(incoming.received).toBe(2);
    }
    expect(
      refusal(() => {
        incoming.add(2, Float32Array.of(0, Number.NaN));
      }).message,
    ).toContain('coordinate 3');
    expect(refusal(() => incoming.finish()).code).toBe('WRONG_LENGTH');
    incoming.add(2, Float32Array.of(3, 4));
    expect([...incoming.finish()]).toEqual([1, 2, 3, 4]);
  });

  it('copies its blocks and checks the norm of the whole', () => {
    const incoming = new IncomingUpdate({ parameters: 2, maxNorm: 4.9 });
    const block = Float32Array.of(3);
    incoming.add(0, block);
    block[0] = 0;
    incoming.add(1, Float32Array.of(4));
    expect(refusal(() => incoming.finish()).code).toBe('NORM_TOO_LARGE');
  });
});
