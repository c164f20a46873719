/**
 * A hospital's part in one run: statements of the coordinator go into the pure machine of libs/rounds, and the effects
 * that come out are performed here. One thing at a time, so that a plan never overtakes the model that it starts from, and
 * what must outlive a crash is on the disk before anything follows from it.
 */
import { fromHex } from '@consilium/bytes';
import { isSafeAgreementKey } from '@consilium/crypto';
import { whoSees } from '@consilium/operator-api';
import type { Aggregate, Digest, Opened, ProtocolError, RunConfig, SecAggAggregate } from '@consilium/protocol';
import { SecAggError } from '@consilium/secagg';
import {
  cohortOf,
  memoryOf,
  startHospital,
  stepHospital,
  type AcceptedPlan,
  type HospitalEffect,
  type HospitalEvent,
  type HospitalState,
  type LocalRefusal,
  type Memory,
} from '@consilium/rounds';
import { Refused, type CoordinatorStatement } from '../channel/channel.js';
import { admit } from './admission.js';
import { Ending } from './ending.js';
import { HeadCache } from './head-cache.js';
import type { RunOutcome, RunStep } from './outcome.js';
import { Replies, type DeclineReason } from './replies.js';
import type { RunPorts } from './run-ports.js';
import type { Outgoing } from './round.js';
import { SealedPart } from './sealed-part.js';
import { failureOf, SecurePart } from './secure-part.js';
import { Stopwatch } from './stopwatch.js';

export class HospitalRun {
  readonly #stopwatch = new Stopwatch();
  readonly #replies: Replies;
  readonly #heads: HeadCache;
  readonly #sealed: SealedPart;
  #state: HospitalState;
  #written: string;
  #config: Opened<'run-config'> | undefined;
  #round = 0;
  #refusedWith: ProtocolError | undefined;
  /** Of the trust mode secagg; undefined in the other, and before the run is admitted. */
  #secure: SecurePart | undefined;
  #declined: { readonly plan: Digest; readonly reason: DeclineReason } | undefined;
  /** Everything that happens waits for what happened before it. */
  #turn: Promise<void> = Promise.resolve();
  readonly #ending: Ending;

  private constructor(
    readonly config: Opened<'run-config'>,
    private readonly ports: RunPorts,
    memory: Memory | undefined,
    outgoing: Outgoing | undefined,
  ) {
    // An update that was announced and is not on the disk was never sealed: its plan counts as answered, without one.
    const known = memory === undefined || outgoing !== undefined ? memory : { ...memory, unsent: undefined };
    this.#ending = new Ending(ports.channel, this.#stopwatch);
    this.#replies = new Replies(ports);
    this.#heads = new HeadCache(ports.channel, config.body);
    this.#sealed = new SealedPart(ports, config.body, outgoing);
    this.#state = startHospital(known);
    this.#written = JSON.stringify(memory);
  }

  /** Goes on where an earlier process ended. */
  static async open(config: Opened<'run-config'>, ports: RunPorts): Promise<HospitalRun> {
    const { runId } = config.body;
    const memory = await ports.memory.read(runId);
    const outgoing = memory?.unsent === undefined ? undefined : await ports.memory.readOutgoing(runId);
    return new HospitalRun(config, ports, memory, outgoing);
  }

  /** Rejects when the local data cannot be used, and with {@link Refused}. */
  get outcome(): Promise<RunOutcome> {
    return this.#ending.outcome;
  }

  hear(statement: CoordinatorStatement): void {
    if (statement.name === 'run-end' && statement.body.configDigest === this.config.digest) {
      this.#ending.announced = statement.body;
    }
    this.#turn = this.#turn
      .then(() => this.#heard(statement))
      .catch((error: unknown) => {
        this.#secure?.leave();
        this.#ending.fail(error);
      });
  }

  /** Resolves when what was begun has come to its end, also by being stopped. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  /** Nothing of an update that was not acknowledged is left. */
  async withdraw(): Promise<void> {
    this.#secure?.leave();
    this.#heads.forget();
    await this.#sealed.erase();
  }

  async #heard(statement: CoordinatorStatement): Promise<void> {
    // Whoever has left the run answers nothing of it, whatever the coordinator still says.
    if (this.#ending.isOver) return;
    switch (statement.name) {
      case 'run-config': {
        // After a reconnection it comes again, and was judged already; another one the machine refuses by its digest.
        const answer = this.#config === undefined ? await this.#isWelcome(statement) : 'WELCOME';
        if (answer === 'DONE') return;
        const refusal = answer === 'WELCOME' ? undefined : answer;
        this.#config ??= statement;
        await this.#step({ type: 'config', config: statement.body, digest: statement.digest, refusal });
        return;
      }
      case 'plan':
        await this.#sealedPlan(statement);
        return;
      case 'secagg-plan':
        await this.#securePlan(statement);
        return;
      case 'roster':
      case 'deliver':
      case 'survivors':
      case 'unmask-request': {
        const secure = this.#secure;
        if (statement.body.planDigest === secure?.planDigest) await this.#exchange(() => secure.hear(statement));
        return;
      }
      case 'secagg-aggregate':
        await this.#follow(statement);
        return;
      case 'aggregate':
        if (this.#secure === undefined) await this.#step({ type: 'aggregate', aggregate: statement.body });
        return;
      case 'run-end':
        await this.#step({ type: 'run-end', end: statement.body });
    }
  }

  /** @returns Why not; `DONE` when all was said. */
  async #isWelcome(config: Opened<'run-config'>): Promise<LocalRefusal | 'WELCOME' | 'DONE'> {
    const { prepared } = this.ports;
    const admission = await admit(config, {
      ...this.ports,
      prepared: () => this.#stopwatch.during('preparing', () => prepared),
      awaiting: (stage) => {
        this.#say({ event: 'stage', stage, round: 0 });
      },
      isOver: () => this.#ending.announced !== undefined,
    });
    switch (admission.is) {
      case 'admitted':
        this.#say({ event: 'who-sees', lines: whoSees(config.body) });
        this.#heads.keep(admission.initialModel, admission.initial);
        if (config.body.mode === 'secagg') {
          this.#secure = await SecurePart.open(this.ports, config, admission.initial);
        }
        return 'WELCOME';
      case 'refused':
        return admission.code;
      case 'against-policy':
        await this.#replies.refuse(config, admission.rule);
        this.#ending.refuse('POLICY', admission.rule);
        return 'DONE';
      case 'over':
        // It ended without us: nothing was begun.
        if (this.#ending.announced !== undefined) this.#ending.finish(this.#ending.announced, undefined, undefined);
        return 'DONE';
    }
  }

  async #sealedPlan(opened: Opened<'plan'>): Promise<void> {
    // There is no way back from the mode that was consented to.
    if (this.#secure !== undefined) return;
    // To a key of low order everyone could open the update.
    if (isSafeAgreementKey(fromHex(opened.body.roundKey))) await this.#judged(opened, undefined);
    else this.#ending.refuse('PLAN_KEY_UNSAFE');
  }

  /** @param known - a reason to decline that was found before. */
  async #judged(
    { body: plan, digest }: Opened<'plan'> | Opened<'secagg-plan'>,
    known: DeclineReason | undefined,
  ): Promise<void> {
    const { rules, learner } = this.ports;
    const config = this.#terms();
    // Asked for each plan; one that is not for us, or was answered, the machine drops whatever the answer.
    const reason = known ?? (await rules.refuseRound(plan, config, () => learner.patients?.(config)));
    if (reason !== undefined) this.#declined = { plan: digest, reason };
    await this.#step({ type: 'plan', plan, digest, ...(reason === undefined ? {} : { isDeclined: true }) });
  }

  async #securePlan(opened: Opened<'secagg-plan'>): Promise<void> {
    if (this.#secure === undefined || !cohortOf(opened.body).includes(this.ports.hospitalId)) return;
    const refusal = this.#secure.refusalOf(opened);
    if (typeof refusal === 'object') {
      this.#leave(refusal);
      return;
    }
    await this.#judged(opened, refusal);
  }

  /** The exchange of a secure attempt, and what its failure means. */
  async #exchange(work: () => Promise<void>): Promise<void> {
    const planDigest = this.#secure?.planDigest as Digest | undefined;
    try {
      await this.#stopwatch.during('transfer', work);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined || planDigest === undefined) throw error;
      if (error instanceof Refused) this.#refusedWith = error;
      if (failure === 'DROPPED_OUT') await this.#step({ type: 'dropped-out', planDigest });
      else this.#leave(failure);
    }
  }

  #leave({ code, detail }: { readonly code: LocalRefusal; readonly detail: string }): void {
    this.#secure?.leave();
    this.#ending.refuse(code, detail);
  }

  async #follow(aggregate: Opened<'secagg-aggregate'>): Promise<void> {
    const state = this.#state;
    if (this.#secure === undefined || !('completedRound' in state)) return;
    const { body } = aggregate;
    if (body.round <= state.completedRound) return;
    try {
      const from = { round: state.completedRound, digest: state.model, model: await this.#readModel(state.model) };
      const { head, recomputed } = await this.#stopwatch.during('transfer', () =>
        (this.#secure as SecurePart).follow(from, aggregate),
      );
      this.#heads.keep(head.digest, head.model);
      this.#ending.sums[recomputed] += 1;
      this.#say({ event: 'verified', round: body.round, recomputed });
    } catch (error) {
      this.#disbelieve(error);
      return;
    }
    await this.#step({ type: 'aggregate', aggregate: body });
  }

  /** A head, or a sum, that does not follow. */
  #disbelieve(error: unknown): void {
    if (!(error instanceof SecAggError)) throw error;
    this.#leave({ code: 'COORDINATOR_MISBEHAVED', detail: `${error.code}: ${error.message}` });
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
        await this.#replies.consent(this.#terms().runId, effect.configDigest);
        return;
      case 'train':
        await this.#train(effect.accepted);
        return;
      case 'advertise':
        await this.#exchange(async () => this.#secure?.begin());
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

  async #sendDecline(accepted: AcceptedPlan): Promise<void> {
    const reason = this.#declined?.plan === accepted.digest ? this.#declined.reason : 'UPDATE_LOST';
    this.#say({ event: 'declined', round: accepted.plan.round, reason });
    await this.#replies.decline(accepted, reason);
  }

  async #train(accepted: AcceptedPlan): Promise<void> {
    const model = await this.#readModel(accepted.plan.model);
    const secure = this.#secure;
    await this.#stopwatch.during('training', () =>
      secure === undefined ? this.#sealed.train(accepted, model) : secure.prepare(accepted, model),
    );
    await this.#step({ type: 'trained', planDigest: accepted.digest });
  }

  async #sendUpdate({ digest: planDigest }: AcceptedPlan): Promise<void> {
    const refusal = await this.#stopwatch.during('transfer', () => this.#sealed.send());
    if (refusal === undefined) {
      await this.#step({ type: 'update-acknowledged', planDigest });
      await this.#sealed.erase();
      return;
    }
    const roundIsOver = refusal.code === 'ROUND_CLOSED' || refusal.code === 'PLAN_MISMATCH';
    this.#refusedWith = refusal;
    await this.#step({ type: 'update-refused', planDigest, roundIsOver });
  }

  async #evaluate(aggregate: Aggregate | SecAggAggregate): Promise<void> {
    const { round, model: digest } = aggregate;
    const config = this.#terms();
    const model = await this.#readModel(digest);
    const secure = this.#secure;
    // The last sum of a secure run changes no head, and there is nothing new to say of it.
    const isNew = secure?.isScored(digest) !== true;
    const scores = await this.#stopwatch.during('evaluating', () =>
      secure === undefined ? this.ports.learner.evaluate(config, model) : secure.evaluate(digest, model),
    );
    if (scores !== undefined && isNew) this.#say({ event: 'evaluated', round, scores });
    // Of the mode secagg they leave with the next masked vector, and never alone.
    if ('updates' in aggregate) await this.#replies.evaluation(aggregate, scores);
    await this.#step({ type: 'evaluated', model: digest });
  }

  /** @param before - the state that the end found: it knows the last head. */
  async #stop(before: HospitalState): Promise<void> {
    const state = this.#state;
    this.#secure?.leave();
    if (state.phase === 'refusing') {
      this.#ending.refuse(state.code, this.#refusedWith?.message);
    } else if (state.phase === 'ended') {
      try {
        this.#ending.finish({ ...state, rounds: this.#round }, this.#config, await this.#finalModel(before));
      } catch (error) {
        this.#disbelieve(error);
      }
    }
  }

  async #finalModel(before: HospitalState): Promise<Float32Array | undefined> {
    if (!('completedRound' in before) || before.completedRound === 0) return undefined;
    const best = this.#terms().selection.patienceRounds > 0 ? (this.#ending.announced?.best ?? undefined) : undefined;
    if (best !== undefined) {
      await this.#secure?.requireBest(best, { round: before.completedRound, model: before.model });
    }
    return this.#readModel(best?.model ?? before.model);
  }

  #readModel(digest: Digest): Promise<Float32Array> {
    return this.#stopwatch.during('transfer', () => this.#heads.read(digest));
  }

  #terms(): RunConfig {
    return this.config.body;
  }

  #say(progress: RunStep): void {
    this.ports.progress({ ...progress, run: this.config.body.runId });
  }
}
