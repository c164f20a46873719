/** Values with units as people write them in policy.yaml. A bare number is refused: 4 of what? */
import { z } from 'zod';

const BYTES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** `512 MiB` -> bytes. */
export const sizeSchema = z
  .any()
  .refine((value) => typeof value === 'string' && /^\d{1,9} ?(KiB|MiB|GiB)$/.test(value), {
    error: 'expected a whole number with its unit, KiB, MiB or GiB, as in "512 MiB"',
  })
  .transform((value): number => {
    const [, count = '', unit = ''] = /^(\d+) ?(\w+)$/.exec(value as string) ?? [];
    return Number(count) * BYTES[unit as keyof typeof BYTES];
  });

/** From `from` to below `to`, minutes after midnight by this machine's clock; over midnight where `to` is not above `from`. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d';

/** `19:00-07:00`. */
export const hoursSchema = z
  .string()
  .regex(new RegExp(`^${CLOCK}-${CLOCK}$`), 'expected hours and minutes as in "19:00-07:00"')
  .transform((text): Hours => {
    const [from = 0, to = 0] = text.split('-').map((clock) => {
      const [hour = 0, minute = 0] = clock.split(':').map(Number);
      return hour * 60 + minute;
    });
    return { from, to };
  });

/** @param minuteOfDay - 0 .. 1439. */
export const isWithin = ({ from, to }: Hours, minuteOfDay: number): boolean =>
  from < to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to;
