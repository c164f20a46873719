/**
 * Claims: (1) the known answers of the design; (2) any `threshold` shares, and no fewer, give the secret back; (3) t - 1
 * shares exclude no secret: the leading coefficient may be zero; (4) bad arguments are refused. That npm
 * shamir-secret-sharing reads these shares, and we its, is tested in libs/secagg.
 * Oracles: the design's vectors (independent script, 2026-11-22), and a plain carry-less multiplication written here.
 */
import { fromHex, toHex } from '@consilium/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invert, multiply, shareAt, shareCombiner, splitSecret } from './secret-sharing.js';

const secret = new Uint8Array(32).fill(0x33);
const coefficients = [secret, new Uint8Array(32).fill(0x44), Uint8Array.from({ length: 32 }, (_, i) => i)];
const known: Readonly<Record<number, string>> = {
  1: '77767574737271707f7e7d7c7b7a797867666564636261606f6e6d6c6b6a6968',
  2: 'bbbfb3b7abafa3a79b9f93978b8f8387fbfff3f7ebefe3e7dbdfd3d7cbcfc3c7',
  3: 'fffaf5f0ebeee1e4d7d2ddd8c3c6c9ccafaaa5a0bbbeb1b487828d889396999c',
  4: '3828180878685848b8a89888f8e8d8c82333031363734353a3b38393e3f3c3d3',
  200: 'ee9f0c7d3140d3a24b3aa9d894e57607bfce5d2c601182f31a6bf889c5b42756',
};

/** Schoolbook: multiply without carries, then reduce by 0x11b from the top. */
function schoolbook(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if ((b >> bit) & 1) product ^= a << bit;
  for (let bit = 14; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11b << (bit - 8);
  return product;
}

describe('the field', () => {
  it('multiplies and inverts, all of it', () => {
    expect(multiply(0x57, 0x83)).toBe(0xc1);
    expect(invert(0x53)).toBe(0xca);
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++) if (multiply(a, b) !== schoolbook(a, b)) throw new Error(`${a} * ${b}`);
      if (a > 0) expect(multiply(a, invert(a))).toBe(1);
    }
  });
});

describe('shares', () => {
  it.each(Object.entries(known))('at x = %s are those of the known answer', (x, share) => {
    expect(toHex(shareAt(coefficients, Number(x)))).toBe(share);
  });

  it('combine to the known secret', () => {
    const shares = [1, 4, 200].map((x) => fromHex(known[x] ?? ''));
    expect(toHex(shareCombiner([1, 4, 200])(shares))).toBe(toHex(secret));
  });

  it('come back from any threshold of them, and from no fewer', () => {
    const shapes = fc.integer({ min: 2, max: 30 }).chain((n) =>
      fc.record({
        bytes: fc.uint8Array({ minLength: 8, maxLength: 33 }),
        xs: fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: n, maxLength: n }),
        threshold: fc.integer({ min: 2, max: n }),
      }),
    );
    fc.assert(
      fc.property(shapes, ({ bytes, xs, threshold }) => {
        const shares = splitSecret(bytes, threshold, xs);
        const last = xs.length - threshold;
        expect(toHex(shareCombiner(xs.slice(last))(shares.slice(last)))).toBe(toHex(bytes));
        if (threshold === 2) return;
        // Fewer shares give the secret with probability 2^-64 at most: 8 bytes or more.
        expect(toHex(shareCombiner(xs.slice(last + 1))(shares.slice(last + 1)))).not.toBe(toHex(bytes));
      }),
    );
  });

  it('one below the threshold fit every secret: the second share decides, evenly', () => {
    // Threshold 2 of one byte: a share at x = 1 is secret ^ coefficient. If 0 were excluded, share != secret always.
    const seen = new Float64Array(256);
    for (let i = 0; i < 100_000; i++) {
      const share = splitSecret(Uint8Array.of(0x5a), 2, [1, 2])[0]?.[0] ?? 0;
      seen[share] = (seen[share] ?? 0) + 1;
    }
    const chiSquare = seen.reduce((sum, count) => sum + (count - 100_000 / 256) ** 2 / (100_000 / 256), 0);
    expect(chiSquare).toBeLessThan(410); // 255 degrees of freedom: by chance less than once in 10^9 runs
    expect(seen[0x5a]).toBeGreaterThan(0);
  });
});

describe('refusals', () => {
  it.each([
    ['x = 0, which is the secret', () => splitSecret(secret, 2, [0, 1])],
    ['two shares at one x', () => splitSecret(secret, 2, [4, 4])],
    ['x = 256, which is 0 again', () => splitSecret(secret, 2, [1, 256])],
    ['a threshold of one', () => splitSecret(secret, 1, [1, 2])],
    ['a threshold that is never met', () => splitSecret(secret, 3, [1, 2])],
    ['an empty secret', () => splitSecret(new Uint8Array(0), 2, [1, 2])],
    ['one share alone', () => shareCombiner([1])],
    ['combining at one x twice', () => shareCombiner([1, 1])],
    ['a share too few', () => shareCombiner([1, 2])([secret])],
    ['shares of two lengths', () => shareCombiner([1, 2])([secret, secret.subarray(1)])],
  ])('%s', (_, misuse) => {
    expect(misuse).toThrow(RangeError);
  });
});
