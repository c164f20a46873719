/**
 * A hospital's part in one run: statements of the coordinator go into the pure machine of libs/rounds, and the effects
 * that come out are performed here. One thing at a time, so that a plan never overtakes the model that it starts from, and
 * what must outlive a crash is on the disk before anything follows from it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fromHex, toHex } from '@consilium/bytes';
import { digestBlob, isSafeAgreementKey, signBytes } from '@consilium/crypto';
import { initialParameters, parameterCount } from '@consilium/model-spec';
import {
  decimal,
  ProtocolError,
  signStatement,
  type Aggregate,
  type Decline,
  type Digest,
  type Opened,
  type PolicyRule,
  type RunConfig,
  type RunEnd,
} from '@consilium/protocol';
import {
  memoryOf,
  refuseConfig,
  startHospital,
  stepHospital,
  type AcceptedPlan,
  type HospitalEffect,
  type HospitalEvent,
  type HospitalState,
  type LocalRefusal,
  type Memory,
} from '@consilium/rounds';
import { floatBytes } from '@consilium/tensors';
import { Refused, type CoordinatorChannel, type CoordinatorStatement } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import type { HospitalRules } from './hospital-rules.js';
import type { Learner, Prepared, Scores } from './learner.js';
import type { RunMemory } from './memory.js';
import { answerPlan, type Outgoing } from './round.js';
import { Stopwatch, type Activity } from './stopwatch.js';

export type RunProgress =
  | {
      readonly event: 'stage';
      readonly run: string;
      readonly stage: HospitalState['phase'] | 'awaiting-approval';
      readonly round: number;
    }
  | {
      readonly event: 'declined';
      readonly run: string;
      readonly round: number;
      readonly reason: PolicyRule | 'PAUSED' | 'UPDATE_LOST';
    }
  | { readonly event: 'evaluated'; readonly run: string; readonly round: number; readonly scores: Scores };

export type RunOutcome =
  | {
      readonly ended: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
      readonly config: Opened<'run-config'> | undefined;
      /** The head that the run ends with: of the best round where the run stops early, else of the last. */
      readonly model: Float32Array | undefined;
      readonly sentBytes: number;
      readonly seconds: Record<Activity, number>;
    }
  | { readonly ended: 'refused-here'; readonly code: LocalRefusal | 'POLICY'; readonly detail: string };

export interface RunPorts extends Credentials {
  readonly channel: CoordinatorChannel;
  readonly learner: Learner;
  readonly prepared: Promise<Prepared>;
  readonly memory: RunMemory;
  readonly modes: readonly RunConfig['mode'][];
  readonly rules: HospitalRules;
  /** Ends a training that is under way. */
  readonly signal: AbortSignal;
  readonly progress: (progress: RunProgress) => void;
}

/** How often it is looked whether a person has decided. */
const LOOK_AGAIN_MS = 500;
/** The coordinator learns of a refusal if it listens; this hospital does not depend on it. */
const REFUSAL_MS = 10_000;

export class HospitalRun {
  readonly #stopwatch = new Stopwatch();
  readonly #models = new Map<Digest, Float32Array>();
  #state: HospitalState;
  #written: string;
  #config: Opened<'run-config'> | undefined;
  #outgoing: Outgoing | undefined;
  #end: RunEnd | undefined;
  #round = 0;
  #refusedWith: ProtocolError | undefined;
  #declined: { readonly plan: Digest; readonly reason: PolicyRule | 'PAUSED' } | undefined;
  /** Everything that happens waits for what happened before it. */
  #turn: Promise<void> = Promise.resolve();
  #finish!: (outcome: RunOutcome) => void;
  #fail!: (error: unknown) => void;
  /** Rejects when the local data cannot be used, and with {@link Refused}. */
  readonly outcome = new Promise<RunOutcome>((resolve, reject) => {
    this.#finish = resolve;
    this.#fail = reject;
  });

  private constructor(
    readonly config: Opened<'run-config'>,
    private readonly ports: RunPorts,
    memory: Memory | undefined,
    outgoing: Outgoing | undefined,
  ) {
    // An update that was announced and is not on the disk was never sealed: its plan counts as answered, without one.
    const known = memory === undefined || outgoing !== undefined ? memory : { ...memory, unsent: undefined };
    this.#state = startHospital(known);
    this.#written = JSON.stringify(memory);
    this.#outgoing = outgoing;
  }

  /** Goes on where an earlier process ended. */
  static async open(config: Opened<'run-config'>, ports: RunPorts): Promise<HospitalRun> {
    const { runId } = config.body;
    const memory = await ports.memory.read(runId);
    const outgoing = memory?.unsent === undefined ? undefined : await ports.memory.readOutgoing(runId);
    return new HospitalRun(config, ports, memory, outgoing);
  }

  hear(statement: CoordinatorStatement): void {
    // Whoever waits for a person need not wait for one any more.
    if (statement.name === 'run-end' && statement.body.configDigest === this.config.digest) this.#end = statement.body;
    this.#turn = this.#turn
      .then(() => this.#heard(statement))
      .catch((error: unknown) => {
        if (error instanceof ProtocolError && !(error instanceof Refused)) {
          this.#finish({ ended: 'refused-here', code: 'COORDINATOR_MISBEHAVED', detail: error.message });
        } else this.#fail(error);
      });
  }

  /** Resolves when what was begun has come to its end, also by being stopped. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  /** Nothing of an update that was not acknowledged is left. */
  async withdraw(): Promise<void> {
    for (const model of this.#models.values()) model.fill(0);
    this.#outgoing = undefined;
    await this.ports.memory.eraseOutgoing(this.config.body.runId);
  }

  async #heard(statement: CoordinatorStatement): Promise<void> {
    switch (statement.name) {
      case 'run-config': {
        // After a reconnection it comes again, and was judged already; another one the machine refuses by its digest.
        if (this.#config === undefined && !(await this.#isWelcome(statement))) return;
        const refusal = this.#config === undefined ? await this.#refusal(statement.body) : undefined;
        this.#config ??= statement;
        await this.#step({ type: 'config', config: statement.body, digest: statement.digest, refusal });
        return;
      }
      case 'plan':
        // To a key of low order everyone could open the update.
        if (!isSafeAgreementKey(fromHex(statement.body.roundKey))) {
          this.#finish({ ended: 'refused-here', code: 'PLAN_KEY_UNSAFE', detail: '' });
          return;
        }
        await this.#plan(statement);
        return;
      case 'aggregate':
        await this.#step({ type: 'aggregate', aggregate: statement.body });
        return;
      case 'run-end':
        await this.#step({ type: 'run-end', end: statement.body });
    }
  }

  /** The hospital's own say comes before any work. @returns false when this run is over for us, or never began. */
  async #isWelcome(config: Opened<'run-config'>): Promise<boolean> {
    const { rules, prepared, learner, signal } = this.ports;
    const rule = await rules.refuseRun(config.body);
    if (rule !== undefined) return this.#refuse(config, rule);
    let approval = await rules.approvalOf(config);
    if (approval === 'awaited') this.#say({ event: 'stage', stage: 'awaiting-approval', round: 0 });
    while (approval === 'awaited' && this.#end === undefined) {
      await sleep(LOOK_AGAIN_MS, undefined, { signal });
      approval = await rules.approvalOf(config);
    }
    if (approval === 'denied') return this.#refuse(config, 'NOT_APPROVED');
    if (approval === 'awaited') {
      // The run has ended without us; its end is the next that is heard, and finds nothing begun.
      if (this.#end !== undefined) this.#finishWithout(this.#end);
      return false;
    }
    await this.#stopwatch.during('preparing', () => prepared);
    const tooFew = await rules.refusePatients(config.body, () => learner.patients?.(config.body));
    return tooFew === undefined || this.#refuse(config, tooFew);
  }

  #finishWithout({ outcome, reason, rounds }: RunEnd): void {
    this.#finish({
      ...{ ended: outcome, reason, rounds },
      config: undefined,
      model: undefined,
      sentBytes: this.ports.channel.sentBytes,
      seconds: this.#stopwatch.seconds(),
    });
  }

  /** Signed, with the rule and nothing else of ours. */
  async #refuse({ body, digest: configDigest }: Opened<'run-config'>, rule: PolicyRule): Promise<false> {
    const { hospitalId, channel } = this.ports;
    const statement = this.#sign('refusal', { v: 1, runId: body.runId, from: hospitalId, configDigest, rule });
    const said = channel.request('refuse', { statement }).catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) throw error;
    });
    await Promise.race([said, sleep(REFUSAL_MS, undefined, { ref: false })]);
    this.#finish({ ended: 'refused-here', code: 'POLICY', detail: rule });
    return false;
  }

  async #plan({ body: plan, digest }: Opened<'plan'>): Promise<void> {
    const { rules, learner } = this.ports;
    const config = this.#terms();
    // Only what would be trained on is asked about: the machine drops all other plans.
    const reason = await rules.refuseRound(plan, config, () => learner.patients?.(config));
    if (reason !== undefined) this.#declined = { plan: digest, reason };
    await this.#step({ type: 'plan', plan, digest, ...(reason === undefined ? {} : { isDeclined: true }) });
  }

  async #refusal(config: RunConfig): Promise<LocalRefusal | undefined> {
    const prepared = await this.#stopwatch.during('preparing', () => this.ports.prepared);
    const initial = initialParameters(config.head, config.seed);
    const initialModel = digestBlob(floatBytes(initial)) as Digest;
    this.#keep(initialModel, initial);
    const { hospitalId, identity, modes } = this.ports;
    return refuseConfig(
      config,
      { hospitalId, identityKey: toHex(identity.publicKey), modes, ...prepared },
      { parameters: parameterCount(config.head), initialModel },
    );
  }

  async #step(event: HospitalEvent): Promise<void> {
    const before = this.#state;
    const { state, effects } = stepHospital(this.ports.hospitalId, before, event);
    await this.#remember(state);
    // What this hospital has decided is durable here; a crash after this line repeats a sending, never a decision.
    this.#state = state;
    if ('accepted' in state) this.#round = state.accepted.plan.round;
    if (state.phase === 'ended') this.#round = state.rounds;
    if (state.phase !== before.phase) this.#say({ event: 'stage', stage: state.phase, round: this.#round });
    for (const effect of effects) await this.#perform(effect, before);
  }

  async #remember(state: HospitalState): Promise<void> {
    const memory = memoryOf(state);
    const text = JSON.stringify(memory);
    if (memory === undefined || text === this.#written) return;
    await this.ports.memory.write(memory.runId, memory);
    this.#written = text;
  }

  async #perform(effect: HospitalEffect, before: HospitalState): Promise<void> {
    switch (effect.type) {
      case 'send-consent':
        await this.#sendConsent(effect.configDigest);
        return;
      case 'train':
        await this.#train(effect.accepted);
        return;
      case 'send-update':
        await this.#sendUpdate(effect.accepted);
        return;
      case 'send-decline':
        await this.#sendDecline(effect.accepted);
        return;
      case 'evaluate':
        await this.#evaluate(effect.aggregate);
        return;
      case 'stop':
        await this.#stop(before);
    }
  }

  async #sendConsent(configDigest: Digest): Promise<void> {
    const { hospitalId, channel } = this.ports;
    const consent = this.#sign('consent', { v: 1, runId: this.#terms().runId, from: hospitalId, configDigest });
    await channel.request('consent', { statement: consent });
  }

  async #sendDecline({ plan, digest: planDigest }: AcceptedPlan): Promise<void> {
    const { runId, round, attempt } = plan;
    const from = this.ports.hospitalId;
    const reason = this.#declined?.plan === planDigest ? this.#declined.reason : 'UPDATE_LOST';
    const why: Pick<Extract<Decline, { reason: 'POLICY' }>, 'reason' | 'rule'> | { reason: 'PAUSED' | 'UPDATE_LOST' } =
      reason === 'PAUSED' || reason === 'UPDATE_LOST' ? { reason } : { reason: 'POLICY', rule: reason };
    this.#say({ event: 'declined', round, reason });
    const statement = this.#sign('decline', { v: 1, runId, round, attempt, planDigest, from, ...why });
    await this.ports.channel.request('decline', { statement });
  }

  async #train(accepted: AcceptedPlan): Promise<void> {
    const config = this.#terms();
    const model = await this.#readModel(accepted.plan.model);
    const outgoing = await this.#stopwatch.during('training', () =>
      answerPlan(accepted, config, model, this.ports.learner, this.ports, this.ports.signal),
    );
    // Before it is announced: an update that a crash lost would otherwise have to be made again, and differ.
    await this.ports.memory.writeOutgoing(config.runId, outgoing);
    this.#outgoing = outgoing;
    await this.#step({ type: 'trained', planDigest: accepted.digest });
  }

  async #sendUpdate({ digest: planDigest }: AcceptedPlan): Promise<void> {
    const outgoing = this.#outgoing;
    this.#outgoing = undefined;
    if (outgoing === undefined) throw new Error('there is no update to send');
    const { runId } = this.#terms();
    try {
      await this.#stopwatch.during('transfer', () => this.ports.channel.sendUpdate(runId, outgoing));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const roundIsOver = error.code === 'ROUND_CLOSED' || error.code === 'PLAN_MISMATCH';
      this.#refusedWith = error;
      await this.#step({ type: 'update-refused', planDigest, roundIsOver });
      return;
    }
    await this.#step({ type: 'update-acknowledged', planDigest });
    await this.ports.memory.eraseOutgoing(runId);
  }

  async #evaluate(aggregate: Aggregate): Promise<void> {
    const { round, attempt, planDigest, model: digest } = aggregate;
    const config = this.#terms();
    const model = await this.#readModel(digest);
    const scores = await this.#stopwatch.during('evaluating', () => this.ports.learner.evaluate(config, model));
    if (scores !== undefined) this.#say({ event: 'evaluated', round, scores });
    const statement = this.#sign('evaluation', {
      v: 1,
      runId: config.runId,
      ...{ round, attempt, planDigest, model: digest },
      from: this.ports.hospitalId,
      scores: scores === undefined ? null : signable(scores),
    });
    await this.ports.channel.request('evaluation', { statement });
    await this.#step({ type: 'evaluated', model: digest });
  }

  /** @param before - the state that the end found: it knows the last head. */
  async #stop(before: HospitalState): Promise<void> {
    const state = this.#state;
    if (state.phase === 'refusing') {
      const detail = this.#refusedWith?.message ?? '';
      this.#finish({ ended: 'refused-here', code: state.code, detail });
    } else if (state.phase === 'ended') {
      this.#finish({
        ended: state.outcome,
        reason: state.reason,
        rounds: this.#round,
        config: this.#config,
        model: await this.#finalModel(before),
        sentBytes: this.ports.channel.sentBytes,
        seconds: this.#stopwatch.seconds(),
      });
    }
  }

  async #finalModel(before: HospitalState): Promise<Float32Array | undefined> {
    if (!('completedRound' in before) || before.completedRound === 0) return undefined;
    const best = this.#terms().selection.patienceRounds > 0 ? this.#end?.best?.model : undefined;
    return this.#readModel(best ?? before.model);
  }

  /** Each head is read from the coordinator once; the initial one is computed here. */
  async #readModel(digest: Digest): Promise<Float32Array> {
    const known = this.#models.get(digest);
    if (known !== undefined) return known;
    const { runId, parameters } = this.#terms();
    const bytes = await this.#stopwatch.during('transfer', () =>
      this.ports.channel.readBlob(runId, digest, 4 * parameters),
    );
    const model = new Float32Array(bytes.buffer);
    this.#keep(digest, model);
    return model;
  }

  #keep(digest: Digest, model: Float32Array): void {
    this.#models.clear();
    this.#models.set(digest, model);
  }

  #terms(): RunConfig {
    return this.config.body;
  }

  #say(progress: DistributiveOmit<RunProgress, 'run'>): void {
    this.ports.progress({ ...progress, run: this.config.body.runId });
  }

  #sign<N extends 'consent' | 'refusal' | 'decline' | 'evaluation'>(name: N, body: Parameters<typeof signStatement<N>>[1]) {
    const { identity, hospitalId } = this.ports;
    return signStatement(name, body, hospitalId, (bytes) => signBytes(identity, bytes)).envelope;
  }
}

type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

const signable = ({ part, examples, loss, accuracy, balancedAccuracy, auc }: Scores) => ({
  ...{ part, examples },
  loss: decimal(loss),
  accuracy: decimal(accuracy),
  balancedAccuracy: decimal(balancedAccuracy),
  auc: auc === null ? null : decimal(auc),
});
