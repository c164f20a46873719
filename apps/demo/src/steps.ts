/** What the processes print, as far as the demonstration reads it. */
import { z } from 'zod';

const named = z.string();

export const coordinatorStep = z.union([
  z.object({ event: z.literal('listening'), url: z.string() }),
  z.object({ event: z.enum(['connected', 'disconnected', 'consented', 'about']), hospital: named }),
  z.object({
    event: z.literal('round-started'),
    round: z.number(),
    hospitals: z.array(named),
    purpose: z.enum(['train', 'evaluate']),
  }),
  z.object({ event: z.literal('update'), round: z.number(), hospital: named, bytes: z.number() }),
  z.object({
    event: z.literal('round-done'),
    round: z.number(),
    seconds: z.number(),
    hospitals: z.array(z.object({ id: named, trainExamples: z.number().nullable(), loss: z.number().nullable() })),
    missing: z.array(named),
    totals: z.object({ weight: z.number(), loss: z.number() }),
  }),
  z.object({ event: z.literal('stage'), round: z.number(), stage: z.string() }),
  z.object({ event: z.literal('disputed'), round: z.number(), hospital: named, accused: named }),
  z.object({ event: z.literal('cohort-delta'), round: z.number(), hospital: named }),
  z.object({ event: z.literal('left-out'), round: z.number(), hospitals: z.array(named) }),
  z.object({
    event: z.literal('federated-evaluation'),
    round: z.number(),
    figures: z.object({ examples: z.number(), loss: z.number(), balancedAccuracy: z.number() }),
  }),
  z.object({
    event: z.literal('evaluation'),
    round: z.number(),
    hospital: named,
    loss: z.number(),
    balancedAccuracy: z.number(),
  }),
  z.object({
    event: z.literal('ended'),
    outcome: z.enum(['finished', 'aborted']),
    reason: z.string(),
    rounds: z.number(),
  }),
  z.object({ event: z.literal('refused-by-hospital'), hospital: named, rule: z.string() }),
  z.object({ event: z.literal('run-failed'), code: z.string() }),
  z.object({ event: z.literal('refused'), request: z.string(), code: z.string() }),
  z.object({ event: z.enum(['leading', 'waiting-to-lead', 'deposed', 'run-taken-up', 'setup-link']) }),
]);
export type CoordinatorStep = z.infer<typeof coordinatorStep>;
export type RoundDone = Extract<CoordinatorStep, { event: 'round-done' }>;

export const hospitalStep = z.union([
  z.object({ event: z.literal('embedding'), done: z.number(), total: z.number() }),
  z.object({ event: z.literal('line'), state: z.enum(['connected', 'disconnected', 'unreachable']) }),
  z.object({ event: z.literal('stage'), stage: z.string(), round: z.number() }),
  z.object({ event: z.literal('declined'), round: z.number(), reason: z.string() }),
  z.object({ event: z.literal('data'), usable: z.number() }),
  z.object({ event: z.literal('page'), url: z.string() }),
  z.object({
    event: z.literal('evaluated'),
    round: z.number(),
    scores: z.object({ balancedAccuracy: z.number() }),
  }),
  z.object({ event: z.literal('who-sees'), lines: z.array(z.string()) }),
  z.object({ event: z.literal('verified'), round: z.number(), recomputed: z.enum(['whole', 'sampled', 'no']) }),
  z.object({ event: z.literal('warning'), message: z.string() }),
  z.object({ event: z.literal('finished'), file: z.string() }),
]);
export type HospitalStep = z.infer<typeof hospitalStep>;

const share = z.number().nullable();
const metrics = z.object({ accuracy: share, balancedAccuracy: share, auc: share });
export type Metrics = z.infer<typeof metrics>;

/** The file that a hospital leaves after a run. */
export const summarySchema = z.object({
  train: z.number(),
  test: z.number(),
  quarantined: z.record(z.string(), z.number()),
  warnings: z.array(z.string()),
  bytesSent: z.number(),
  seconds: z.record(z.string(), z.number()),
  backbone: z.object({ name: z.string(), hash: z.string(), trained: z.boolean() }),
  engine: z.string(),
  trainer: z.string(),
  mode: z.string(),
  collusion: z.nullable(z.object({ hospitals: z.number(), tolerated: z.number() })),
  sums: z.object({ whole: z.number(), sampled: z.number(), no: z.number() }),
  localOnly: metrics,
  federated: metrics,
});
export type Summary = z.infer<typeof summarySchema>;

export const pooledSchema = z.object({ pooled: metrics, federated: metrics, perHospital: z.array(metrics) });
export type Pooled = z.infer<typeof pooledSchema>;
