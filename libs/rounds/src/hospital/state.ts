/**
 * The hospital's half of a run, as types. A hospital reacts only to signed statements, and it follows its own rules:
 * whatever the coordinator says, it trains once per plan, sends one update per attempt, and starts from no model that
 * a signed aggregate (or its own recomputation, in round 1) did not announce.
 */
import type { Aggregate, Digest, Plan, RunConfig, RunEnd, RunId } from '@consilium/protocol';

export interface AcceptedPlan {
  readonly plan: Plan;
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
  | { readonly type: 'plan'; readonly plan: Plan; readonly digest: Digest; readonly isDeclined?: boolean }
  | { readonly type: 'trained'; readonly planDigest: Digest }
  | { readonly type: 'update-acknowledged'; readonly planDigest: Digest }
  | { readonly type: 'update-refused'; readonly planDigest: Digest; readonly roundIsOver: boolean }
  | { readonly type: 'aggregate'; readonly aggregate: Aggregate }
  | { readonly type: 'evaluated'; readonly model: Digest }
  | { readonly type: 'run-end'; readonly end: RunEnd };

export type HospitalEffect =
  | { readonly type: 'send-consent'; readonly configDigest: Digest }
  | { readonly type: 'train'; readonly accepted: AcceptedPlan }
  | { readonly type: 'send-update'; readonly accepted: AcceptedPlan }
  /** No update for this plan: declined, or lost, and a second one is never made. */
  | { readonly type: 'send-decline'; readonly accepted: AcceptedPlan }
  | { readonly type: 'evaluate'; readonly aggregate: Aggregate }
  | { readonly type: 'stop' };

export interface HospitalStep {
  readonly state: HospitalState;
  readonly effects: readonly HospitalEffect[];
}
