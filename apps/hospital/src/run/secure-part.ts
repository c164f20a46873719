/**
 * What a hospital does in a run of the mode secagg beside the machine of libs/rounds: it judges plans, trains, leads the
 * exchange of each attempt, and follows the sums to the next head. What it remembers is durable before anything is sent.
 */
import { clipUpdate } from '@consilium/aggregation';
import { verifyStrict } from '@consilium/crypto';
import type { Digest, Opened, RunEnd } from '@consilium/protocol';
import {
  differingField,
  encodeFigures,
  type AcceptedPlan,
  type LocalRefusal,
  type SummedFigures,
} from '@consilium/rounds';
import {
  checkPlan,
  recordAdvert,
  recordCompleted,
  requireOneSum,
  SecAggError,
  startRecord,
  type Contribution,
  type HospitalRecord,
  type LocalPolicy,
} from '@consilium/secagg';
import { Refused, type CoordinatorChannel } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import type { Learner, Scores } from './learner.js';
import type { RunMemory } from './memory.js';
import { LeftOut, SecureExchange, type RecordKeeper, type StageStatement } from './secure-exchange.js';
import { SummedHead, type Head, type Recomputed } from './summed-head.js';

export interface SecurePartPorts extends Credentials {
  readonly channel: CoordinatorChannel;
  readonly learner: Learner;
  readonly memory: RunMemory;
  readonly signal: AbortSignal;
  /** See {@link SummedHeadPorts}. */
  readonly recomputeBytes?: number;
}

/** Clocks of hospitals are wrong by hours, and rounds take days: the record, not the clock, keeps replays out. */
const CLOCK_TOLERANCE_MS = 48 * 3_600_000;
/** After the training: shares, vectors, agreements and the unmasking. */
const EXCHANGES = 4;
/** Of Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The floors are those of the plan, which `differingField` holds to the configuration that this hospital consented to. */
const POLICY: LocalPolicy = {
  ...{ minTolerated: 0, minCohort: 2 },
  ...{ maxPlanAgeMs: Number.MAX_SAFE_INTEGER, clockToleranceMs: CLOCK_TOLERANCE_MS },
};

type SecurePlan = Opened<'secagg-plan'>;
type Best = NonNullable<RunEnd['best']>;

export class SecurePart {
  readonly #records: RecordKeeper;
  readonly #heads: SummedHead;
  #record: HospitalRecord;
  #exchange: SecureExchange | undefined;
  /** Kept for another attempt of the round, so that it is not trained twice, and until the time of the last one is over. */
  #trained: { readonly round: number; readonly contribution: Contribution } | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #scored: { readonly model: string; readonly scores: Scores | undefined } | undefined;

  /** Goes on with what this hospital said in an earlier process. @param initial - the head that the run begins with. */
  static async open(ports: SecurePartPorts, config: Opened<'run-config'>, initial: Float32Array): Promise<SecurePart> {
    const { runId } = config.body;
    return new SecurePart(ports, config, (await ports.memory.readSecure(runId)) ?? startRecord(runId), initial);
  }

  private constructor(
    private readonly ports: SecurePartPorts,
    private readonly config: Opened<'run-config'>,
    record: HospitalRecord,
    initial: Float32Array,
  ) {
    const { runId } = config.body;
    this.#record = record;
    const verify = (bytes: Uint8Array, signature: Uint8Array): boolean =>
      verifyStrict(ports.coordinatorKey, bytes, signature);
    this.#heads = new SummedHead({ ...ports, config, initial, verify });
    const current = (): HospitalRecord => this.#record;
    this.#records = {
      get current() {
        return current();
      },
      write: async (next) => {
        await ports.memory.writeSecure(runId, next);
        this.#record = next;
      },
    };
  }

  /**
   * Before any work for a plan that is new.
   *
   * @returns Why this hospital leaves the run; `CLOCK` if it only sits this attempt out.
   */
  refusalOf({ body, digest }: SecurePlan): { code: LocalRefusal; detail: string } | 'CLOCK' | undefined {
    const misbehaved = (detail: string) => ({ code: 'COORDINATOR_MISBEHAVED' as const, detail });
    const field = differingField(body, this.config.body);
    if (field !== undefined) return misbehaved(`PLAN_UNSAFE: the plan has another ${field} than the configuration`);
    const nowMs = Date.now();
    const { issuedAtMs, deadlineMs } = body;
    if (nowMs > deadlineMs + CLOCK_TOLERANCE_MS || issuedAtMs - nowMs > CLOCK_TOLERANCE_MS) return 'CLOCK';
    try {
      recordAdvert(this.#record, checkPlan({ body, digest }), POLICY, withinPlan(body));
    } catch (error) {
      if (!(error instanceof SecAggError)) throw error;
      if (error.code === 'RETRY_REFUSED') return { code: 'RETRY_REFUSED', detail: error.message };
      // Of another round, or answered before: the machine knows what to do with it.
      if (error.code === 'PLAN_STALE' || error.code === 'ALREADY_SAID') return undefined;
      return misbehaved(`${error.code}: ${error.message}`);
    }
    return undefined;
  }

  /** Trains, unless figures alone are asked for or an earlier attempt of the round has trained. */
  async prepare({ plan, digest }: AcceptedPlan, model: Float32Array): Promise<void> {
    if (!('mode' in plan)) throw new TypeError('a sealed plan in a secure run');
    this.#exchange?.leave();
    const overAtMs = performance.now() + this.#longestMs(plan);
    if (this.#trained?.round !== plan.round) {
      this.#forgetUpdate();
      this.#trained = { round: plan.round, contribution: await this.#contribution(plan, model) };
    }
    this.#endAt(overAtMs);
    this.#exchange = new SecureExchange(
      checkPlan({ body: plan, digest }),
      this.#trained.contribution,
      POLICY,
      () => withinPlan(plan),
      {
        ...{
          hospitalId: this.ports.hospitalId,
          identity: this.ports.identity,
          coordinatorKey: this.ports.coordinatorKey,
        },
        ...{ channel: this.ports.channel, records: this.#records },
      },
    );
  }

  /** From a plan's arrival: what its training and the exchanges after it may take. The clock of this process alone counts. */
  #longestMs({ issuedAtMs, deadlineMs }: SecurePlan['body']): number {
    return deadlineMs - issuedAtMs + EXCHANGES * (this.config.body.secagg?.stageTimeoutMs ?? 0);
  }

  /** A coordinator that says no more leaves no secrets behind here either. */
  #endAt(overAtMs: number): void {
    clearTimeout(this.#expiry);
    const delayMs = Math.min(Math.max(0, overAtMs - performance.now()), LONGEST_TIMER_MS);
    this.#expiry = setTimeout(() => {
      this.#exchange?.leave();
      this.#forgetUpdate();
    }, delayMs).unref();
  }

  #forgetUpdate(): void {
    this.#trained?.contribution.update.fill(0);
    this.#trained = undefined;
  }

  async #contribution(
    { purpose, round, model: digest }: SecurePlan['body'],
    model: Float32Array,
  ): Promise<Contribution> {
    const { learner, signal } = this.ports;
    const { body } = this.config;
    const heldOut = await this.evaluate(digest, model);
    if (purpose === 'evaluate') {
      const examples = 1;
      return { update: new Float32Array(0), examples, metrics: encodeFigures({ trainLoss: 0, heldOut }) };
    }
    const trained = await learner.train(body, model, round, signal);
    if (signal.aborted) {
      trained.update.fill(0);
      signal.throwIfAborted();
    }
    clipUpdate(trained.update, Number(body.clipNorm));
    const { update, examples, loss } = trained;
    return { update, examples, metrics: encodeFigures({ trainLoss: loss, heldOut }) };
  }

  /** Whether the figures of this head are known already. */
  isScored(digest: string): boolean {
    return this.#scored?.model === digest;
  }

  /** On this hospital's held-out part; it leaves in sums alone. */
  async evaluate(digest: string, model: Float32Array): Promise<Scores | undefined> {
    if (this.#scored?.model !== digest) {
      this.#scored = { model: digest, scores: await this.ports.learner.evaluate(this.config.body, model) };
    }
    return this.#scored.scores;
  }

  /** Sends this hospital's keys; see {@link SecureExchange.begin}. */
  async begin(): Promise<void> {
    await this.#exchange?.begin();
  }

  /** The plan whose exchange is under way; undefined outside of one. */
  get planDigest(): string | undefined {
    return this.#exchange?.plan.digest;
  }

  async hear(statement: StageStatement): Promise<void> {
    await this.#exchange?.hear(statement);
  }

  /**
   * Verifies an announced sum and computes the head itself.
   *
   * @throws {@link SecAggError} with what is wrong.
   */
  async follow(
    from: Head,
    aggregate: Opened<'secagg-aggregate'>,
  ): Promise<{ head: Head; figures: SummedFigures | null; recomputed: Recomputed }> {
    requireOneSum(this.#record, aggregate.body.round, aggregate.body.planDigest);
    const isOurs = this.#exchange?.plan.digest === aggregate.body.planDigest;
    const followed = await this.#heads.follow(from, aggregate, isOurs ? this.#exchange?.witness : undefined);
    for (let round = this.#record.lastCompleted + 1; round <= aggregate.body.round; round++) {
      const isLast = followed.isLast && round === aggregate.body.round;
      await this.#records.write(recordCompleted(this.#record, round, isLast));
    }
    this.leave();
    return followed;
  }

  /**
   * Whether the run may end with the head of an earlier round than the last: see {@link SummedHead.requireHead}.
   *
   * @throws {@link SecAggError} if it was another.
   */
  async requireBest({ round, model }: Best, last: { readonly round: number; readonly model: Digest }): Promise<void> {
    if (round < last.round) await this.#heads.requireHead(round, model);
    else if (round !== last.round || model !== last.model) {
      throw new SecAggError('AGGREGATE_FORGED', `round ${round} had another head`);
    }
  }

  /** Overwrites every secret that is left: after a sum, and on every way out of the run. */
  leave(): void {
    clearTimeout(this.#expiry);
    this.#exchange?.leave();
    this.#exchange = undefined;
    this.#forgetUpdate();
  }
}

/** Between its beginning and its end: how far a clock is off has been judged before. */
const withinPlan = ({ issuedAtMs, deadlineMs }: SecurePlan['body']): number =>
  Math.min(Math.max(Date.now(), issuedAtMs), deadlineMs);

/** What a failed exchange means for the run; undefined for an error that is none of its own. */
export function failureOf(
  error: unknown,
): { readonly code: LocalRefusal; readonly detail: string } | 'DROPPED_OUT' | undefined {
  // The coordinator goes on without this hospital.
  if (error instanceof LeftOut || error instanceof Refused) return 'DROPPED_OUT';
  if (!(error instanceof SecAggError)) return undefined;
  const detail = `${error.code}: ${error.message}`;
  switch (error.code) {
    case 'RETRY_REFUSED':
      return { code: 'RETRY_REFUSED', detail };
    case 'PLAN_STALE':
    case 'ALREADY_SAID':
    case 'WRONG_CONTEXT':
    case 'BAD_SHARE':
      // Of a bad share its dealer was named.
      return 'DROPPED_OUT';
    case 'WRONG_LENGTH':
    case 'NOT_FINITE':
    case 'NOT_CLIPPED':
    case 'BAD_COUNT':
      return undefined;
    default:
      return { code: 'COORDINATOR_MISBEHAVED', detail };
  }
}
