/**
 * The coordinator's half of a run, as types: a field exists only in the phase in which it has meaning.
 * Events are facts that already happened and effects are things still to do; both are plain values, so that a log of
 * events rebuilds the state and an effect can be performed again after a crash.
 */
import type { Digest, ExcludedUpdate, HospitalId, RunEnd } from '@consilium/protocol';
import type { SummedFigures } from '../figures.js';
import type { Dispute } from './disputes.js';

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
  /** Of the trust mode `secagg`; absent: sealed. */
  readonly secagg?: SecureRules;
}

export interface SecureRules {
  /** Corrupt hospitals tolerated: decides the threshold of a cohort. */
  readonly tolerated: number;
  /** How long each exchange after the training may take. */
  readonly stageTimeoutMs: number;
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
  /** Of the mode secagg, and of it alone. */
  readonly secure?: SecureTerms;
}

export type FinishReason = 'ALL_ROUNDS_DONE' | 'EARLY_STOPPED';

export interface SecureTerms {
  /** Shares that rebuild a secret; all attempts of a round have the same. */
  readonly threshold: number;
  /** Fewest hospitals at each stage. */
  readonly floor: number;
  /** Why this is the last round, in which only the figures of the last head are summed. Absent: it trains. */
  readonly lastly?: FinishReason;
}

/** What the coordinator waits for in a secure round, in this order; libs/secagg/SPEC.md, section 5. */
export const SECURE_STAGES = ['advertising', 'sharing', 'masking', 'agreeing', 'unmasking'] as const;
export type SecureStage = (typeof SECURE_STAGES)[number];

/** A hospital's signed word at one stage. */
export interface SecureWord {
  /** Of the statement. */
  readonly digest: Digest;
  /** Of the masked vector, at that stage. */
  readonly blob?: { readonly digest: Digest; readonly bytes: number };
}

/** Who has said what, by stage. Who speaks at one stage has spoken at the one before. */
export type SecureWords = Readonly<Record<SecureStage, ReadonlyMap<HospitalId, SecureWord>>>;

export interface SecureRound extends OpenRound {
  readonly secure: SecureTerms;
  readonly planDigest: Digest;
  readonly said: SecureWords;
  /** Said that they will say no more in this attempt. */
  readonly declined: ReadonlySet<HospitalId>;
  readonly quorumDue: boolean;
}

/** What a sum says, and what everybody needs to check it; nothing of it is about one hospital. */
export interface OpenedSum {
  readonly sessionId: Digest;
  readonly survivors: readonly number[];
  readonly sumDigest: Digest;
  readonly recovered: readonly {
    readonly x: number;
    readonly type: 'self-seed' | 'mask-key';
    readonly digest: Digest;
  }[];
  /** Where the vectors lie that are in the sum: x ascending. */
  readonly vectors: readonly { readonly x: number; readonly blobDigest: Digest }[];
  readonly evidenceDigest: Digest;
  readonly evidenceBytes: number;
  readonly revealedDigest: Digest;
  readonly revealedBytes: number;
  readonly leavesDigest: Digest;
  readonly leavesBytes: number;
  readonly totalWeight: number;
  /** Mean training loss over the hospitals, nats. */
  readonly loss: number;
  /** Of the head that the round started from. */
  readonly figures: SummedFigures | null;
  /** The same as the run's selection metric. */
  readonly score: Score | null;
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
  /** The same where only a sum of it is known: mode secagg. */
  readonly summedScores: ReadonlyMap<number, Score>;
  /** Over shares, in any round: mode secagg. */
  readonly disputes: readonly Dispute[];
}

/** An attempt that could not be opened: a later one has no other hospitals, and the same threshold (privacy.md A.8, R3). */
export interface Retry {
  readonly attempt: number;
  readonly within: readonly HospitalId[];
  readonly threshold: number;
}

type Phase =
  | {
      readonly phase: 'gathering';
      readonly round: number;
      readonly model: Digest;
      readonly overdue: boolean;
      readonly retry?: Retry;
      readonly lastly?: FinishReason;
    }
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
  | ({ readonly phase: SecureStage } & SecureRound)
  | ({ readonly phase: 'opening' } & SecureRound)
  | {
      readonly phase: 'closing';
      readonly round: number;
      readonly model: Digest;
      readonly awaiting: ReadonlySet<HospitalId>;
      readonly reason: FinishReason;
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
  | {
      readonly type: 'aggregated';
      readonly planDigest: Digest;
      readonly model: Digest;
      /** Of the updates that are in it. */
      readonly totalExamples: number;
      /** Updates that a robust rule left out; absent: none. */
      readonly exclusions?: readonly ExcludedUpdate[];
    }
  /** So many updates had to be left out that what is left means nothing. */
  | { readonly type: 'too-few-left'; readonly planDigest: Digest; readonly exclusions: readonly ExcludedUpdate[] }
  | {
      readonly type: 'evaluated';
      readonly hospitalId: HospitalId;
      readonly model: Digest;
      /** null where nothing is held out. */
      readonly score: Score | null;
    }
  /** A hospital's word at the present stage, checked in full. */
  | {
      readonly type: 'said';
      readonly stage: SecureStage;
      readonly hospitalId: HospitalId;
      readonly planDigest: Digest;
      readonly word: SecureWord;
    }
  | { readonly type: 'opened'; readonly planDigest: Digest; readonly model: Digest; readonly sum: OpenedSum }
  /** A hospital will not mask with the shares that another dealt it; nobody else can see which of the two lies. */
  | {
      readonly type: 'disputed';
      readonly planDigest: Digest;
      readonly hospitalId: HospitalId;
      readonly accused: HospitalId;
    }
  /** What was opened is not a sum of good vectors: no second attempt can mend it. */
  | {
      readonly type: 'spoilt';
      readonly planDigest: Digest;
      /** Whose own signed words show the fault. */
      readonly accused: HospitalId | null;
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
      /** Those that are in it. */
      readonly updates: readonly ReceivedUpdate[];
      readonly exclusions: readonly ExcludedUpdate[];
      readonly totalExamples: number;
    } & OpenRound)
  /** The hospitals' words of that stage are complete: answer them. Of the last one the answer is the sum. */
  | ({ readonly type: 'close-stage'; readonly stage: SecureStage } & SecureRound)
  | ({
      readonly type: 'publish-sum';
      readonly planDigest: Digest;
      readonly newModel: Digest;
      readonly sum: OpenedSum;
    } & OpenRound)
  /** From here on no plan has them: people have to find out which of them is at fault. */
  | { readonly type: 'leave-out'; readonly round: number; readonly hospitals: readonly HospitalId[] }
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
