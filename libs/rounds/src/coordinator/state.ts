/**
 * The coordinator's half of a run, as types: a field exists only in the phase in which it has meaning.
 * Events are facts that already happened and effects are things still to do; both are plain values, so that a log of
 * events rebuilds the state and an effect can be performed again after a crash.
 */
import type { Digest, HospitalId, RunEnd } from '@consilium/protocol';

/** The part of the signed configuration that decides what happens next. */
export interface RunRules {
  readonly roster: readonly HospitalId[];
  readonly rounds: number;
  readonly minHospitals: number;
  /** How long the first hospitals wait for the others before a round starts without them. */
  readonly gatherTimeoutMs: number;
  readonly roundTimeoutMs: number;
  /** How long a lost connection may take to come back before the round stops waiting for it. */
  readonly absenceGraceMs: number;
  readonly initialModel: Digest;
}

export interface ReceivedUpdate {
  readonly hospitalId: HospitalId;
  readonly blobDigest: Digest;
  readonly blobBytes: number;
  readonly examples: number;
}

export interface OpenRound {
  readonly round: number;
  readonly attempt: number;
  readonly model: Digest;
  readonly cohort: readonly HospitalId[];
}

/** Who is there, whatever the phase. */
interface Members {
  readonly connected: ReadonlySet<HospitalId>;
  readonly consented: ReadonlySet<HospitalId>;
  /** Was there, and has been away for longer than the grace period. */
  readonly absent: ReadonlySet<HospitalId>;
}

type Phase =
  | { readonly phase: 'gathering'; readonly round: number; readonly model: Digest; readonly overdue: boolean }
  | ({ readonly phase: 'planning' } & OpenRound)
  | ({
      readonly phase: 'collecting';
      readonly planDigest: Digest;
      readonly received: ReadonlyMap<HospitalId, ReceivedUpdate>;
    } & OpenRound)
  | ({
      readonly phase: 'aggregating';
      readonly planDigest: Digest;
      readonly updates: readonly ReceivedUpdate[];
    } & OpenRound)
  | {
      readonly phase: 'closing';
      readonly round: number;
      readonly model: Digest;
      readonly awaiting: ReadonlySet<HospitalId>;
    }
  | {
      readonly phase: 'ended';
      readonly outcome: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
    };

export type CoordinatorState = Members & Phase;

export type CoordinatorEvent =
  | { readonly type: 'connected' | 'disconnected' | 'consented'; readonly hospitalId: HospitalId }
  | { readonly type: 'plan-signed'; readonly round: number; readonly attempt: number; readonly planDigest: Digest }
  | { readonly type: 'update-accepted'; readonly planDigest: Digest; readonly update: ReceivedUpdate }
  | { readonly type: 'aggregated'; readonly planDigest: Digest; readonly model: Digest; readonly totalExamples: number }
  | { readonly type: 'evaluated'; readonly hospitalId: HospitalId; readonly model: Digest }
  | { readonly type: 'timer'; readonly key: string }
  | { readonly type: 'stop' }
  /** The coordinator itself cannot go on: a full disk, a defect. */
  | { readonly type: 'failed' };

export type CoordinatorEffect =
  | ({ readonly type: 'sign-plan' } & OpenRound)
  | { readonly type: 'publish-plan'; readonly planDigest: Digest }
  /** A timer with the same key replaces the earlier one. */
  | { readonly type: 'set-timer'; readonly key: string; readonly delayMs: number }
  /** `updates` are in hospital order: the order in which floats are summed is part of the result. */
  | ({
      readonly type: 'aggregate';
      readonly planDigest: Digest;
      readonly updates: readonly ReceivedUpdate[];
    } & OpenRound)
  | ({
      readonly type: 'publish-aggregate';
      readonly planDigest: Digest;
      readonly newModel: Digest;
      readonly updates: readonly ReceivedUpdate[];
      readonly totalExamples: number;
    } & OpenRound)
  | {
      readonly type: 'end-run';
      readonly outcome: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
    };

export interface Step {
  readonly state: CoordinatorState;
  readonly effects: readonly CoordinatorEffect[];
}
