/** What is left at the hospital after a run, as one file; the figures of its report. No image, name or patient in it. */
import type { Evaluation } from '@consilium/head';
import type { Assessment } from './assessment.js';

/** Shares from 0 to 1; null where the test part does not define one. */
export type Metrics = Pick<Evaluation, 'accuracy' | 'balancedAccuracy' | 'auc'>;

export const metricsOf = ({ accuracy, balancedAccuracy, auc }: Evaluation): Metrics => ({
  accuracy,
  balancedAccuracy,
  auc,
});

export interface Summary {
  readonly hospital: string;
  readonly run: string;
  readonly rounds: number;
  /** Images of each part. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** Images by reason code. */
  readonly quarantined: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
  readonly bytesSent: number;
  /** Wall time by activity. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly backbone: { readonly name: string; readonly hash: string; readonly trained: boolean };
  readonly engine: string;
  readonly trainer: string;
  readonly mode: string;
  /** Who could see what, as people read it. */
  readonly whoSees: readonly string[];
  /** c of n hospitals; null where the mode has no such notion. */
  readonly collusion: { readonly hospitals: number; readonly tolerated: number } | null;
  /** Sums of the mode secagg, by how this hospital recomputed them from the masked updates. */
  readonly sums: Readonly<Record<'whole' | 'sampled' | 'no', number>>;
  /** On this hospital's test part: a head trained here alone for as many epochs, and the shared one. */
  readonly localOnly: Metrics;
  readonly federated: Metrics;
  /** What the report shows. Counts in it may be of one patient: this file stays at the hospital. */
  readonly details: {
    readonly study: string;
    /** In the order of the classes. */
    readonly labels: readonly string[];
    readonly localOnly: Assessment;
    readonly federated: Assessment;
    /** A head trained on all hospitals' images together; known where they lie on one machine, as in a demonstration. */
    readonly pooled?: Assessment;
  };
}
