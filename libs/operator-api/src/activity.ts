/** What happened: each thing that somebody did or tried at this coordinator, and each event that a run was led by. */
import { z } from 'zod';
import { hospital, instant, whole } from './fields.js';
import { roleSchema } from './roles.js';

/** Who asked. home: whoever can read the coordinator's home folder. nobody: not signed in. */
const actor = z.strictObject({
  kind: z.enum(['operator', 'token', 'home', 'nobody']),
  name: z.string().nullable(),
  role: roleSchema.nullable(),
});

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const actionEntry = z.strictObject({
  kind: z.literal('action'),
  id: z.string().describe('stable, and the cursor of what is older'),
  at: instant,
  by: actor,
  action: z.string().describe('such as run.abort, operator.disable, session.begin'),
  outcome: z
    .enum(['allowed', 'refused', 'failed'])
    .describe('allowed: written before it was done; failed: what was allowed before did not come about'),
  code: z.string().nullable().describe('why it was refused or failed'),
  run: z.string().nullable(),
  hospital: hospital.nullable(),
  operator: z.string().nullable().describe('whom or what it was done to'),
  detail: z.record(z.string(), scalar),
});

export const eventEntry = z.strictObject({
  kind: z.literal('event'),
  id: z.string(),
  at: instant,
  run: z.string(),
  seq: z.int(),
  type: z.string().describe('of the event in the log of the run'),
  hospital: hospital.nullable(),
  detail: z.looseObject({}),
});

export const activityEntry = z.discriminatedUnion('kind', [actionEntry, eventEntry]);

export const activityPage = z.strictObject({
  entries: z.array(activityEntry).describe('newest first'),
  next: z.string().nullable().describe('`before` of the page after this one; null: that was the oldest'),
});

export const activityQuery = z.strictObject({
  kind: z.enum(['action', 'event']).optional(),
  run: z.string().max(100).optional(),
  hospital: z.string().max(100).optional(),
  operator: z.string().max(100).optional().describe('who did it, or to whom it was done'),
  type: z.string().max(100).optional().describe('an action, or the type of an event'),
  outcome: z.enum(['allowed', 'refused', 'failed']).optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
  before: z.string().max(200).optional(),
  limit: whole(1_000).pipe(z.int().min(1)).default(100),
});
/** Of GET /activity/export: everything that fits the filter, oldest first. */
export const activityExportQuery = activityQuery
  .omit({ before: true, limit: true })
  .extend({ format: z.enum(['jsonl', 'csv']).default('jsonl') });

export type Actor = z.infer<typeof actor>;
export type ActionEntry = z.infer<typeof actionEntry>;
export type EventEntry = z.infer<typeof eventEntry>;
export type ActivityEntry = z.infer<typeof activityEntry>;
export type ActivityPage = z.infer<typeof activityPage>;
export type ActivityQuery = z.infer<typeof activityQuery>;
export type ActivityExportQuery = z.infer<typeof activityExportQuery>;
