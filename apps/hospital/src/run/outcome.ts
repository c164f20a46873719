/** What a run at a hospital says while it goes on, and how it ends. */
import type { Opened, RunEnd } from '@consilium/protocol';
import type { HospitalState, LocalRefusal } from '@consilium/rounds';
import type { Awaited } from './admission.js';
import type { Scores } from './learner.js';
import type { DeclineReason } from './replies.js';
import type { Activity } from './stopwatch.js';
import type { Recomputed } from './summed-head.js';

export type RunProgress =
  | {
      readonly event: 'stage';
      readonly run: string;
      readonly stage: HospitalState['phase'] | Awaited;
      readonly round: number;
    }
  | {
      readonly event: 'declined';
      readonly run: string;
      readonly round: number;
      readonly reason: DeclineReason;
    }
  /** Before anything is sent: what this hospital's people may want to know of it. */
  | { readonly event: 'who-sees'; readonly run: string; readonly lines: readonly string[] }
  /** The new head follows from the sum; `recomputed`: how far the sum was, from the vectors of all who are in it. */
  | { readonly event: 'verified'; readonly run: string; readonly round: number; readonly recomputed: Recomputed }
  | { readonly event: 'evaluated'; readonly run: string; readonly round: number; readonly scores: Scores };

/** Progress of a run that is clear from the context. */
export type RunStep = DistributiveOmit<RunProgress, 'run'>;
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

export type RunOutcome =
  | {
      readonly ended: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
      readonly config: Opened<'run-config'> | undefined;
      /** The head that the run ends with: of the best round where the run stops early, else of the last. */
      readonly model: Float32Array | undefined;
      readonly sentBytes: number;
      /** Of mode secagg: sums that this process followed, by how it recomputed them. */
      readonly sums: Readonly<Record<Recomputed, number>>;
      readonly seconds: Record<Activity, number>;
    }
  | { readonly ended: 'refused-here'; readonly code: LocalRefusal | 'POLICY'; readonly detail: string };
