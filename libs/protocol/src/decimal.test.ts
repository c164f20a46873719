/**
 * Claims: (1) `decimal` gives the one spelling that the schema takes, and no other spelling of that number is taken;
 * (2) its value is within half a unit of the last digit; (3) what cannot be said is refused and not rounded to something
 * else. Oracle: Number() of the text, and the cases written out.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decimal, decimalSchema } from './decimal.js';

it.each([
  [0, 6, '0'],
  [-0, 6, '0'],
  [-1e-9, 6, '0'],
  [1, 6, '1'],
  [100, 6, '100'],
  [100, 0, '100'],
  [0.1, 6, '0.1'],
  [-0.5, 6, '-0.5'],
  [0.6931471805599453, 6, '0.693147'],
  [0.001, 9, '0.001'],
  [1e-9, 9, '0.000000001'],
  [1e-7, 6, '0'],
  [123456.789, 2, '123456.79'],
  [999_999_999_999_999, 0, '999999999999999'],
])('says %d with %i digits as %s', (value, digits, text) => {
  expect(decimal(value, digits)).toBe(text);
});

it('is taken by the schema, and stands for the same number', () => {
  const value = fc.double({ min: -999_999_999_999_999, max: 999_999_999_999_999, noNaN: true });
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 12 }), (number, digits) => {
      const text = decimal(number, digits);
      expect(decimalSchema.safeParse(text).success).toBe(true);
      // Half a unit of the last digit, and half a step between doubles for reading the text back.
      const tolerance = 0.5 * 10 ** -digits + Math.abs(number) * 2 ** -53;
      expect(Math.abs(Number(text) - number)).toBeLessThanOrEqual(tolerance);
      expect(decimal(Number(text), digits)).toBe(text);
    }),
    { seed: 12, numRuns: 1_000 },
  );
});

it.each([Number.NaN, Infinity, -Infinity, 1e15, -1e15, 999_999_999_999_999.5, 1e300])('refuses to say %d', (value) => {
  expect(() => decimal(value, 0)).toThrow(RangeError);
});

it.each([-1, 13, Number.NaN])('refuses %d digits', (digits) => {
  expect(() => decimal(0.1, digits)).toThrow(RangeError);
});

it.each([
  ...['', ' ', '-', '.', '1.', '.5', '+1', '01', '00', '-01', '-0', '-0.0', '0.0', '1.0', '0.10', '1e3', '1E3', '0x10'],
  ...['NaN', 'Infinity', '1,5', '1 ', '1\n', '１', '1'.repeat(16), `0.${'1'.repeat(13)}`, '1'.repeat(100_000)],
])('the schema refuses %j', (text) => {
  expect(decimalSchema.safeParse(text).success).toBe(false);
});
