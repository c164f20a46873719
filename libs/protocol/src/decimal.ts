/** Fractions in signed statements are decimal strings, so that every program signs the same bytes for one number. */
import { z } from 'zod';

export const decimalSchema = z
  .string()
  .regex(/^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?$/, 'expected a decimal number');

/**
 * @param value - finite, below 1e15 in magnitude.
 * @returns At most `digits` digits after the point, without trailing zeros.
 * @throws RangeError for a value outside that range.
 */
export function decimal(value: number, digits = 6): string {
  if (!(Math.abs(value) < 1e15)) throw new RangeError('decimal() takes finite numbers below 1e15');
  const text = value.toFixed(digits).replace(/\.?0+$/, digits > 0 ? '' : '$&');
  return text === '-0' ? '0' : text;
}
