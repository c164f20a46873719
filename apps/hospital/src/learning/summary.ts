/** What is left at the hospital after a run, as one file; the figures of its report. No image, name or patient in it. */
import { z } from 'zod';
import type { Evaluation } from '@consilium/head';

const share = z.number().nullable();
const metricsSchema = z.object({ accuracy: share, balancedAccuracy: share, auc: share });
export type Metrics = z.infer<typeof metricsSchema>;

export const metricsOf = ({ accuracy, balancedAccuracy, auc }: Evaluation): Metrics => ({
  accuracy,
  balancedAccuracy,
  auc,
});

export const summarySchema = z.object({
  hospital: z.string(),
  run: z.string(),
  rounds: z.number(),
  train: z.number(),
  validation: z.number(),
  test: z.number(),
  /** Images by reason code. */
  quarantined: z.record(z.string(), z.number()),
  warnings: z.array(z.string()),
  bytesSent: z.number(),
  /** Wall time by activity. */
  seconds: z.record(z.string(), z.number()),
  backbone: z.object({ name: z.string(), hash: z.string(), trained: z.boolean() }),
  engine: z.string(),
  trainer: z.string(),
  mode: z.string(),
  /** On this hospital's test part: a head trained here alone for as many epochs, and the shared one. */
  localOnly: metricsSchema,
  federated: metricsSchema,
});
export type Summary = z.infer<typeof summarySchema>;
