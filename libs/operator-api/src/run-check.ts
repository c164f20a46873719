/** What a run file would come to, before anybody is asked to consent: the answer of POST /runs/check. */
import { z } from 'zod';
import { hospital } from './fields.js';

export const runCheck = z.strictObject({
  valid: z.boolean(),
  problems: z
    .array(z.strictObject({ field: z.string().describe("names joined by dots; '': the whole"), message: z.string() }))
    .describe('what must be mended before it can begin'),
  effective: z
    .array(
      z.strictObject({
        field: z.string(),
        value: z.unknown().describe('null: absent, which has a meaning of its own'),
        from: z.enum(['file', 'default']),
        means: z.string(),
      }),
    )
    .describe('every value, also those that the file leaves to their defaults; empty while the form is broken'),
  hospitals: z.array(hospital).describe('who would be asked'),
  cohort: z
    .strictObject({
      least: z.int().describe('hospitals in each sum, at least'),
      because: z
        .enum(['CONFIGURED', 'QUORUM', 'MODE'])
        .describe('minHospitals; the quorum of stragglers, which is smaller; the trust mode asks for more'),
    })
    .nullable(),
  thresholds: z
    .strictObject({
      hospitals: z.int().describe('n: those of the roster'),
      threshold: z.int().describe('t: so many must answer before a sum can be opened'),
      tolerated: z.int().describe('c: so many may collude with the coordinator and still see no single update'),
      mayDrop: z.int().describe('so many may be lost in a round without losing it'),
    })
    .nullable()
    .describe('null in the mode sealed, which has none'),
  overflow: z
    .strictObject({
      ringBits: z.int(),
      usedBits: z.number().describe('by the largest sum that can occur'),
      step: z.number().describe('the smallest change of a parameter that survives the masking'),
    })
    .nullable()
    .describe('null in the mode sealed'),
  parameters: z.int().nullable(),
  bytesPerRound: z.int().nullable().describe('that each hospital would send in one round'),
  yaml: z.string().nullable().describe('the run file as it would be written; null while it cannot be read'),
  approval: z.string().nullable().describe('the very text that each hospital is asked to approve'),
});

export type RunCheck = z.infer<typeof runCheck>;
