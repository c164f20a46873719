/** What the API answers, as strict schemas: the types of the server, the checks of the command line, and the OpenAPI description. */
import { z } from 'zod';
import { limits } from '@consilium/protocol';

const hospital = z.string();
const round = z.int().min(1);
const instant = z.iso.datetime().describe('by the database, UTC');

export const statusSchema = z
  .enum(['running', 'paused', 'finished', 'aborted'])
  .describe('paused: the open round is finished, and no other begins');

export const runSummary = z.strictObject({
  run: z.string(),
  study: z.string(),
  status: statusSchema,
  phase: z.enum(['gathering', 'planning', 'collecting', 'aggregating', 'closing', 'ended']),
  round: z.int().min(0).describe('the one that the phase belongs to; of an ended run, the last that was averaged'),
  rounds: z.int().describe('rounds that the configuration asks for'),
  bestRound: round.nullable().describe('by the federated score; null before any evaluation'),
  createdAt: z.iso.datetime(),
});

const hospitalInRun = z.strictObject({
  id: hospital,
  connected: z.boolean(),
  consented: z.boolean(),
  absent: z.boolean().describe('was there, and has been away for longer than the grace period'),
  inRound: z
    .enum(['awaited', 'answered', 'declined'])
    .nullable()
    .describe('its part in the open round; null outside of one'),
});

const roundDone = z.strictObject({
  round,
  startedAt: instant,
  seconds: z.number().min(0).describe('from the signed plan to the new head'),
  updates: z.array(
    z.strictObject({
      hospital,
      examples: z.int(),
      loss: z.number().describe('training loss, nats'),
      bytes: z.int(),
    }),
  ),
  missing: z.array(hospital).describe('of the cohort, those whose update it was closed without'),
  examples: z.int(),
  bytes: z.int().describe('of the sealed updates that were averaged'),
  model: z.string().describe('SHA-256 of the new head'),
  score: z
    .strictObject({ value: z.number(), hospitals: z.int(), examples: z.int() })
    .nullable()
    .describe("the selection metric on the hospitals' held-out parts, weighted by their examples"),
});

export const runDetail = z.strictObject({
  ...runSummary.shape,
  reason: z.string().nullable().describe('why the run ended; null while it has not'),
  configDigest: z.string().describe('SHA-256 of what the coordinator signed and hospitals consent to'),
  configuration: z.looseObject({}).describe('the signed statement run-config'),
  metric: z.string().describe('the selection metric; of a loss less is better'),
  stage: z
    .strictObject({ since: instant, limitMs: z.int().nullable().describe('how long it may last; null: no limit') })
    .describe('the present phase; a restart or a resumption gives it its whole time again'),
  hospitals: z.array(hospitalInRun).describe('the roster'),
  history: z.array(roundDone),
  events: z.int().describe('length of the log'),
});

export const eventPage = z.strictObject({
  events: z.array(z.strictObject({ seq: z.int(), at: instant, event: z.looseObject({ type: z.string() }) })),
  next: z.int().describe('`from` of the page after this one'),
});

export const hospitalSchema = z.strictObject({
  id: hospital,
  fingerprint: z.string().describe('of its public key, as people compare it by phone'),
  connected: z.boolean(),
  lastSeen: z.iso.datetime().nullable().describe('null: not since this process began to lead'),
});

export const errorSchema = z.strictObject({
  code: z.string().describe('stable'),
  message: z.string(),
  fields: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
});

const whole = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().max(most));

export const eventsQuery = z.strictObject({
  from: whole(999_999_999).default(0),
  limit: whole(1_000).pipe(z.int().min(1)).default(200),
});

export const modelQuery = z.strictObject({
  round: z.union([z.enum(['best', 'last']), whole(limits.rounds).pipe(z.int().min(1))]).default('last'),
});

export type RunSummary = z.infer<typeof runSummary>;
export type RunDetail = z.infer<typeof runDetail>;
export type RoundDone = z.infer<typeof roundDone>;
export type EventPage = z.infer<typeof eventPage>;
export type HospitalView = z.infer<typeof hospitalSchema>;
export type EventsQuery = z.infer<typeof eventsQuery>;
export type ModelQuery = z.infer<typeof modelQuery>;
