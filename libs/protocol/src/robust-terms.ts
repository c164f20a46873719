/** Robust aggregation in signed statements: which rule a sealed run uses, and which updates it left out. */
import { z } from 'zod';
import { decimalSchema } from './decimal.js';
import { digestSchema, hospitalIdSchema } from './ids.js';

/** Of the updates, how many may be anything. With 99 a rule needs 199 hospitals or more. */
const faulty = z.int().min(1).max(99);

/** All updates count alike: numbers of examples are claims of their senders. libs/aggregation says what the rules do. */
export const robustTerms = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('median') }),
  z.strictObject({ rule: z.literal('trimmed-mean'), faulty }),
  z.strictObject({ rule: z.literal('multi-krum'), faulty }),
]);

/** An update that was received and has no part in the new head: for the hospital that appeals, and for an auditor. */
export const exclusion = z.strictObject({
  hospitalId: hospitalIdSchema,
  blobDigest: digestSchema,
  reason: z.enum(['SEAL_INVALID', 'UPDATE_NOT_FINITE', 'UPDATE_NOT_CLIPPED', 'FAR_FROM_OTHERS']),
  /** What was measured, and what it was not to exceed; null where nothing could be. Larger numbers are cut at 1e15 - 1. */
  measured: z.nullable(
    z.strictObject({ statistic: z.enum(['l2-norm', 'krum-score']), value: decimalSchema, bound: decimalSchema }),
  ),
});

export type RobustTerms = z.infer<typeof robustTerms>;
export type ExcludedUpdate = z.infer<typeof exclusion>;
