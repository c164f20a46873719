/** Fractions in signed statements are decimal strings, so that every program signs the same bytes for one number. */
import { z } from 'zod';

/** One spelling for a number: no zero at the end of a fraction, no `-0`. */
export const decimalSchema = z
  .string()
  .regex(/^(?!-0$)-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,11}[1-9])?$/, 'expected a decimal number');

/**
 * @param value - finite, below 1e15 in magnitude.
 * @param digits - 0 .. 12, as {@link decimalSchema} takes.
 * @returns The value rounded to `digits` digits after the point, without trailing zeros.
 * @throws RangeError for a value outside that range.
 */
export function decimal(value: number, digits = 6): string {
  if (!(digits >= 0 && digits <= 12)) throw new RangeError('decimal() gives 0 to 12 digits after the point');
  if (!(Math.abs(value) < 999_999_999_999_999.5)) throw new RangeError('decimal() takes finite numbers below 1e15');
  const fixed = value.toFixed(digits);
  const text = digits > 0 ? fixed.replace(/\.?0+$/, '') : fixed;
  return text === '-0' ? '0' : text;
}
