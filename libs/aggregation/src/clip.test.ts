/**
 * Claims: (1) a longer update ends at the bound with its direction kept; (2) a shorter one keeps its bits; (3) what was
 * clipped passes the receiver's check. Oracle: Pythagorean triples, and float64 norms written out.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkUpdate, clipUpdate } from './index.js';

it('scales 3-4-5 to the bound', () => {
  const update = Float32Array.of(30, -40);
  clipUpdate(update, 5);
  expect([...update]).toEqual([3, -4]);
});

it('leaves what is within the bound', () => {
  const update = Float32Array.of(3, 4);
  clipUpdate(update, 5);
  expect([...update]).toEqual([3, 4]);
});

it('always passes the check of the receiver', () => {
  fc.assert(
    fc.property(
      fc.float32Array({ minLength: 1, maxLength: 200, noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: 0.01, max: 1e6, noNaN: true }),
      (update, clipNorm) => {
        clipUpdate(update, clipNorm);
        checkUpdate(update, { parameters: update.length, maxNorm: clipNorm * (1 + 1e-6) });
      },
    ),
  );
});

it.each([0, -1, Number.NaN])('refuses a bound of %d', (clipNorm) => {
  expect(() => {
    clipUpdate(Float32Array.of(1), clipNorm);
  }).toThrow(RangeError);
});
