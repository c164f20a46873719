/** Runs, as the coordinator answers them. */
import { z } from 'zod';
import { limits, type RunEnd } from '@consilium/protocol';
import { hospital, instant, round, whole } from './fields.js';
import { timeline } from './timeline.js';

export const statusSchema = z
  .enum(['running', 'paused', 'finished', 'aborted', 'failed'])
  .describe('paused: the open round is finished, and no other begins; failed: the coordinator cannot lead it now');

export const runSummary = z.strictObject({
  run: z.string(),
  study: z.string(),
  mode: z.string().describe('sealed, or secagg'),
  status: statusSchema,
  phase: z.string().describe('of the state machine; the stages for people are in the timeline'),
  round: z.int().min(0).describe('the one that the phase belongs to; of an ended run, the last that was averaged'),
  rounds: z.int().describe('rounds that the configuration asks for'),
  bestRound: round.nullable().describe('by the federated score; null before any evaluation'),
  hospitals: z.int().describe('of the roster'),
  createdAt: z.iso.datetime(),
  failure: z.string().exactOptional().describe('a code, of a run that has failed'),
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

/** Held-out figures; auc is null where a class is missing. */
const figures = {
  examples: z.int(),
  loss: z.number().describe('nats'),
  accuracy: z.number(),
  balancedAccuracy: z.number(),
  auc: z.number().nullable(),
};
export const hospitalFigures = z.strictObject({ hospital, ...figures });
export const globalFigures = z.strictObject({ hospitals: z.int(), ...figures });

/** A hospital's figures on fewer held-out examples than this are not shown: each might be one patient's. */
export const SMALL_CELL_EXAMPLES = 10;

export const roundDone = z.strictObject({
  round,
  startedAt: instant,
  seconds: z.number().min(0).describe('from the signed plan to the new head'),
  updates: z.array(
    z.strictObject({
      hospital,
      examples: z.int().nullable().describe('null: not visible in this mode'),
      loss: z.number().nullable().describe('training loss, nats; null: not visible in this mode'),
      bytes: z.int(),
    }),
  ),
  missing: z.array(hospital).describe('of the cohort, those whose update it was closed without'),
  excluded: z
    .array(
      z.strictObject({
        hospital,
        reason: z.enum(['SEAL_INVALID', 'UPDATE_NOT_FINITE', 'UPDATE_NOT_CLIPPED', 'FAR_FROM_OTHERS']),
        measured: z
          .strictObject({ statistic: z.enum(['l2-norm', 'krum-score']), value: z.string(), bound: z.string() })
          .nullable()
          .describe('what was measured of the update, and what it was not to exceed'),
      }),
    )
    .exactOptional()
    .describe('updates that came and that a robust rule left out; absent: none'),
  examples: z.int().nullable().describe('all together; null: not visible, since hospitals count alike'),
  loss: z.number().nullable().describe('training loss of all together, nats'),
  bytes: z.int().describe('of the encrypted updates that were averaged'),
  model: z.string().describe('SHA-256 of the new head'),
  score: z
    .strictObject({ value: z.number(), hospitals: z.int().nullable(), examples: z.int() })
    .nullable()
    .describe("the selection metric on the hospitals' held-out parts, weighted by their examples"),
  figures: z
    .strictObject({
      global: globalFigures.nullable().describe('means, weighted by examples; null: not evaluated yet'),
      hospitals: z.array(hospitalFigures).nullable().describe('null: not visible in this mode'),
      suppressed: z.array(hospital).describe(`evaluated on fewer than ${SMALL_CELL_EXAMPLES} examples: not shown`),
    })
    .describe('of the new head'),
});

export const runDetail = z.strictObject({
  ...runSummary.shape,
  reason: z.string().nullable().describe('a code: why the run ended, or cannot be led; null while neither is so'),
  configDigest: z.string().describe('SHA-256 of what the coordinator signed and hospitals consent to'),
  configuration: z.looseObject({}).describe('the signed statement run-config'),
  metric: z.string().describe('the selection metric; of a loss less is better'),
  visible: z
    .strictObject({
      updates: z.enum(['each', 'sum']),
      figures: z.enum(['each', 'sum']),
      colluders: z
        .int()
        .nullable()
        .describe('so many hospitals together with the coordinator still see no single update'),
    })
    .describe('what the coordinator could see; hospitals see the new head of each round'),
  stage: z
    .strictObject({ since: instant, limitMs: z.int().nullable().describe('how long it may last; null: no limit') })
    .describe('the present phase; a restart or a resumption gives it its whole time again'),
  timeline,
  hospitals: z.array(hospitalInRun).describe('the roster'),
  history: z.array(roundDone),
  events: z.int().describe('length of the log'),
});

export const eventPage = z.strictObject({
  events: z.array(z.strictObject({ seq: z.int(), at: instant, event: z.looseObject({ type: z.string() }) })),
  next: z.int().describe('`from` of the page after this one'),
});

/** Of results.json; results.csv has the same rows: one for all hospitals together, then one for each that is visible. */
export const runResults = z.strictObject({
  run: z.string(),
  study: z.string(),
  configDigest: z.string(),
  mode: z.string(),
  rows: z.array(
    z.strictObject({
      round,
      hospital: hospital.nullable().describe('null: all together'),
      trainExamples: z.int().nullable(),
      trainLoss: z.number().nullable(),
      bytes: z.int().nullable(),
      seconds: z.number().nullable(),
      examples: z.int().nullable(),
      loss: z.number().nullable(),
      accuracy: z.number().nullable(),
      balancedAccuracy: z.number().nullable(),
      auc: z.number().nullable(),
    }),
  ),
});

export const eventsQuery = z.strictObject({
  from: whole(999_999_999).default(0),
  limit: whole(1_000).pipe(z.int().min(1)).default(200),
});

export const modelQuery = z.strictObject({
  round: z.union([z.enum(['best', 'last']), whole(limits.rounds).pipe(z.int().min(1))]).default('last'),
});

/** A newer coordinator may name others. */
export type RunEndReason = RunEnd['reason'];
export type RunSummary = z.infer<typeof runSummary>;
export type RunDetail = z.infer<typeof runDetail>;
export type RoundDone = z.infer<typeof roundDone>;
export type Exclusion = NonNullable<RoundDone['excluded']>[number];
export type HospitalFigures = z.infer<typeof hospitalFigures>;
export type GlobalFigures = z.infer<typeof globalFigures>;
export type EventPage = z.infer<typeof eventPage>;
export type RunResults = z.infer<typeof runResults>;
export type EventsQuery = z.infer<typeof eventsQuery>;
export type ModelQuery = z.infer<typeof modelQuery>;
