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
  /** After `afterMs` a round closes as soon as so many updates are there; `minHospitals` still holds. Absent: it waits for all. */
  readonly quorum?: { readonly hospitals: number; readonly afterMs: number };
  /** Ends the run when the federated score has not improved for so many evaluated rounds. Absent: all rounds are led. */
  readonly patienceRounds?: number;
}

/** How one hospital's held-out part likes a model. */
export interface Score {
  readonly examples: number;
  /** The run's selection metric, larger is better. */
  readonly value: number;
}

export interface ReceivedUpdate {
  readonly hospitalId: HospitalId;
  readonly blobDigest: Digest;
  readonly blobBytes: number;
  readonly examples: number;
  /** Mean training loss of the hospital's last epoch, nats; as it signed it. */
  readonly loss: number;
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
  /** By the operator: the open round is finished, and no other begins. */
  readonly paused: boolean;
  /** What hospitals said of the model that each round ended with. */
  readonly scores: ReadonlyMap<number, ReadonlyMap<HospitalId, Score>>;
}

type Phase =
  | { readonly phase: 'gathering'; readonly round: number; readonly model: Digest; readonly overdue: boolean }
  | ({ readonly phase: 'planning' } & OpenRound)
  | ({
      readonly phase: 'collecting';
      readonly planDigest: Digest;
      readonly received: ReadonlyMap<HospitalId, ReceivedUpdate>;
      /** Of the cohort, those who said that they will send nothing. */
      readonly declined: ReadonlySet<HospitalId>;
      /** The time of waiting for all is over: a quorum closes the round. */
      readonly quorumDue: boolean;
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
      readonly reason: 'ALL_ROUNDS_DONE' | 'EARLY_STOPPED';
    }
  | {
      readonly phase: 'ended';
      readonly outcome: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
      /** The round with the best federated score; undefined when nothing was evaluated. */
      readonly bestRound: number | undefined;
    };

export type CoordinatorState = Members & Phase;

export type CoordinatorEvent =
  | { readonly type: 'connected' | 'disconnected' | 'consented'; readonly hospitalId: HospitalId }
  | { readonly type: 'plan-signed'; readonly round: number; readonly attempt: number; readonly planDigest: Digest }
  | { readonly type: 'update-accepted'; readonly planDigest: Digest; readonly update: ReceivedUpdate }
  | { readonly type: 'declined'; readonly hospitalId: HospitalId; readonly planDigest: Digest }
  | { readonly type: 'aggregated'; readonly planDigest: Digest; readonly model: Digest; readonly totalExamples: number }
  | {
      readonly type: 'evaluated';
      readonly hospitalId: HospitalId;
      readonly model: Digest;
      /** null where nothing is held out. */
      readonly score: Score | null;
    }
  | { readonly type: 'timer'; readonly key: string }
  | { readonly type: 'pause' | 'resume' | 'stop' }
  /** The process is a new one: every connection and every timer of the old one is gone, and so is work in progress. */
  | { readonly type: 'restarted' }
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
      readonly bestRound: number | undefined;
    };

export interface Step {
  readonly state: CoordinatorState;
  readonly effects: readonly CoordinatorEffect[];
}
