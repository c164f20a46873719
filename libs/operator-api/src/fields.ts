/** Fields that several answers have. */
import { z } from 'zod';

/** Anything that a hospital or a person chose: shown as text, never as markup. */
export const hospital = z.string();
export const round = z.int().min(1);
export const instant = z.iso.datetime().describe('UTC');

export const errorSchema = z.strictObject({
  code: z.string().describe('stable'),
  message: z.string(),
  fields: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
});

export type ErrorAnswer = z.infer<typeof errorSchema>;

/** A whole number in a query. */
export const whole = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().max(most));
