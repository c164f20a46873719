/**
 * The hospital's half of a run, as types. A hospital reacts only to signed statements, and it follows its own rules:
 * whatever the coordinator says, it trains once per plan, sends one update per attempt, and starts from no model that
 * a signed aggregate (or its own recomputation, in round 1) did not announce.
 */
import type {
  Aggregate,
  Digest,
  HospitalId,
  Plan,
  RunConfig,
  RunEnd,
  RunId,
  SecAggAggregate,
  SecAggPlanStatement,
} from '@consilium/protocol';

/** Of either trust mode. */
export type AnyPlan = Plan | SecAggPlanStatement;

export const isSecure = (plan: AnyPlan): plan is SecAggPlanStatement => 'mode' in plan;

/** Who is asked to take part. */
export const cohortOf = (plan: AnyPlan): readonly HospitalId[] =>
  isSecure(plan) ? plan.roster.map(({ hospitalId }) => hospitalId) : plan.cohort;

export interface AcceptedPlan {
  readonly plan: AnyPlan;
  readonly digest: Digest;
}

/** Why a hospital stops by its own decision. */
export type LocalRefusal =
  | 'NOT_ON_ROSTER'
  | 'MODE_NOT_ACCEPTED'
  | 'BACKBONE_MISMATCH'
  | 'PREPROCESSING_MISMATCH'
  | 'INITIAL_MODEL_MISMATCH'
  | 'HEAD_MISMATCH'
  | 'CONFIG_CHANGED'
  | 'PLAN_MODEL_UNKNOWN'
  | 'PLAN_KEY_UNSAFE'
  | 'COORDINATOR_MISBEHAVED'
  /** A round that this hospital helped to open came once more: two sums of it could be compared. */
  | 'RETRY_REFUSED'
  | 'UPDATE_REFUSED';

/** What is known of the run: the last completed round, and the head that it ended with. */
export interface Progress {
  readonly runId: RunId;
  readonly configDigest: Digest;
  readonly completedRound: number;
  readonly model: Digest;
  /** The newest plan that was answered; nothing at or before it is answered again. */
  readonly answered: { readonly round: number; readonly attempt: number };
}

/** What must outlive the process: written down before anything that follows from it is done. */
export interface Memory extends Progress {
  /** An update that is sealed and signed, and was not acknowledged: it is sent again, byte for byte. */
  readonly unsent: AcceptedPlan | undefined;
}

export type HospitalState =
  | { readonly phase: 'joining'; readonly memory: Memory | undefined }
  | ({ readonly phase: 'ready' } & Progress)
  | ({ readonly phase: 'training'; readonly accepted: AcceptedPlan } & Progress)
  /** Mode secagg: keys, shares and the masked vector are exchanged; what was said is in a record of its own. */
  | ({ readonly phase: 'masking'; readonly accepted: AcceptedPlan } & Progress)
  | ({ readonly phase: 'sending'; readonly accepted: AcceptedPlan } & Progress)
  | ({ readonly phase: 'waiting'; readonly accepted: AcceptedPlan } & Progress)
  /** A plan that arrives meanwhile is kept for afterwards. */
  | ({
      readonly phase: 'evaluating';
      readonly next: AcceptedPlan | undefined;
      /** What a crash goes back to: the aggregate is then heard and evaluated once more. */
      readonly before: Pick<Progress, 'completedRound' | 'model'>;
    } & Progress)
  | ({ readonly phase: 'ended' } & Pick<RunEnd, 'outcome' | 'reason' | 'rounds'>)
  | { readonly phase: 'refusing'; readonly code: LocalRefusal };

export type HospitalEvent =
  /** `refusal` is the answer of {@link refuseConfig}: computed outside because it needs the local data. */
  | {
      readonly type: 'config';
      readonly config: RunConfig;
      readonly digest: Digest;
      readonly refusal: LocalRefusal | undefined;
    }
  /** `isDeclined`: the hospital has its own reasons not to train on this plan. It then never does. */
  | { readonly type: 'plan'; readonly plan: AnyPlan; readonly digest: Digest; readonly isDeclined?: boolean }
  | { readonly type: 'trained'; readonly planDigest: Digest }
  | { readonly type: 'update-acknowledged'; readonly planDigest: Digest }
  | { readonly type: 'update-refused'; readonly planDigest: Digest; readonly roundIsOver: boolean }
  /** Of mode secagg only after this hospital has verified it and computed the head itself. */
  | { readonly type: 'aggregate'; readonly aggregate: Aggregate | SecAggAggregate }
  /** This hospital has dropped out of the attempt. */
  | { readonly type: 'dropped-out'; readonly planDigest: Digest }
  | { readonly type: 'evaluated'; readonly model: Digest }
  | { readonly type: 'run-end'; readonly end: RunEnd };

export type HospitalEffect =
  | { readonly type: 'send-consent'; readonly configDigest: Digest }
  | { readonly type: 'train'; readonly accepted: AcceptedPlan }
  | { readonly type: 'send-update'; readonly accepted: AcceptedPlan }
  /** Begins the exchange of a secure round. */
  | { readonly type: 'advertise'; readonly accepted: AcceptedPlan }
  /** No update for this plan: declined, or lost, and a second one is never made. */
  | { readonly type: 'send-decline'; readonly accepted: AcceptedPlan }
  | { readonly type: 'evaluate'; readonly aggregate: Aggregate | SecAggAggregate }
  | { readonly type: 'stop' };

export interface HospitalStep {
  readonly state: HospitalState;
  readonly effects: readonly HospitalEffect[];
}
