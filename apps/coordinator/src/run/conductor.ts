/**
 * Leads one run: the machine of libs/rounds on its durable log, and everything that the machine does not know about: keys,
 * signatures, blobs, clocks, sockets. Whatever is here in memory is known again after a crash from the log and the store.
 */
import type { Logger } from 'pino';
import { digestBlob, openAtRest, sealAtRest, type Identity, type RoundKey } from '@consilium/crypto';
import { initialParameters } from '@consilium/model-spec';
import {
  type Digest,
  type ExcludedUpdate,
  type Opened,
  type Pushed,
  type RunId,
  type Statement,
} from '@consilium/protocol';
import type { CoordinatorEffect, CoordinatorEvent, CoordinatorState } from '@consilium/rounds';
import { StoreError, type Lease, type RunStore } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import type { Clock } from './clock.js';
import { DurableMachine, type Attachment } from './durable-machine.js';
import { PublishedModels } from './published-models.js';
import type { Progress } from './progress.js';
import { robustSum } from './robust-sum.js';
import { rulesOf, scoreOf } from './rules.js';
import { averageSealed } from './sealed-sum.js';
import { SecureRounds } from './secure-rounds.js';
import { serverStep } from './server-step.js';
import { documentOf, openOwn, ROUND_KEY, RunStatements, type Effect } from './statements.js';

export interface ConductorPorts {
  readonly identity: Identity;
  readonly store: RunStore;
  readonly lease: () => Lease;
  readonly clock: Clock;
  readonly log: Logger;
  /** A fresh X25519 key pair for each attempt of a round. */
  readonly makeRoundKey: () => RoundKey;
  /** To the hospitals of the run's roster that have a session; the others get it from {@link Conductor.current}. */
  readonly push: (conductor: Conductor, statement: Pushed) => void;
  readonly keepModel: (config: Statement<'run-config'>, round: number, model: Float32Array) => Promise<void>;
  readonly progress: (progress: Progress) => void;
  /** This process leads no more. */
  readonly deposed: (error: StoreError) => void;
}

interface Round {
  readonly plan: Opened<'plan'>;
  readonly secretKey: Uint8Array;
  readonly startedMs: number;
}

/** How long to wait before work that the store interrupted is begun again. */
const WORK_RETRY_MS = 500;
const PASSING = ['STORE_UNAVAILABLE', 'STORE_FULL', 'STORE_READ_ONLY'];
const mayPass = (error: unknown): boolean => error instanceof StoreError && PASSING.includes(error.code);

/** What a hospital that has just come must know, in order of time. */
const ORDER: readonly Pushed['name'][] = [
  ...(['run-config', 'aggregate', 'plan'] as const),
  ...(['secagg-aggregate', 'secagg-plan', 'roster', 'deliver', 'survivors', 'unmask-request'] as const),
  'run-end',
];
/** Those of one attempt: none outlives it. */
const OF_ATTEMPT: readonly Pushed['name'][] = [
  'plan',
  'secagg-plan',
  'roster',
  'deliver',
  'survivors',
  'unmask-request',
];

export class Conductor {
  readonly models: PublishedModels;
  /** Of the trust mode secagg; undefined in the other. */
  readonly secure: SecureRounds | undefined;
  readonly #statements: RunStatements;
  readonly #timers = new Map<string, () => void>();
  readonly #latest = new Map<Pushed['name'], Pushed>();
  #machine!: DurableMachine;
  #round: Round | undefined;
  #finish!: (end: Progress & { event: 'ended' }) => void;
  /** Resolves when the run has ended; never if it stays open. */
  readonly ended = new Promise<Progress & { event: 'ended' }>((resolve) => {
    this.#finish = resolve;
  });

  private constructor(
    private readonly ports: ConductorPorts,
    readonly config: Opened<'run-config'>,
  ) {
    this.models = new PublishedModels(ports.store.blobs, config.body.runId);
    this.#statements = new RunStatements(ports.identity, config, (round) => this.models.digestOf(round));
    this.#latest.set('run-config', { name: 'run-config', envelope: config.envelope });
    this.secure = config.body.mode === 'secagg' ? this.#secureRounds() : undefined;
  }

  #secureRounds(): SecureRounds {
    const { store, lease, clock, log, identity } = this.ports;
    return new SecureRounds({
      ...{ config: this.config, statements: this.#statements, models: this.models, store, lease, clock, log },
      open: (name, text) => openOwn(identity, name, text),
      accept: (event, attachment) => this.accept(event, attachment),
      internally: (event, attachment) => this.#internally(event, attachment),
      push: (name, statement) => {
        this.#push(name, statement);
      },
      say: (progress) => {
        this.#say(progress);
      },
      fail: (error) => this.#fail(error),
      mayPass,
    });
  }

  /** Takes a run up where its log ends, be it at the beginning. */
  static async takeUp(ports: ConductorPorts, runId: string): Promise<Conductor> {
    const text = await ports.store.config(runId);
    if (text === undefined) throw new StoreError('RUN_UNKNOWN', 'there is no such run');
    const conductor = new Conductor(ports, openOwn(ports.identity, 'run-config', text));
    await conductor.#takeUp();
    return conductor;
  }

  async #takeUp(): Promise<void> {
    const { body } = this.config;
    this.models.start(body.initialModel, initialParameters(body.head, body.seed));
    const { store, lease, clock, log, deposed } = this.ports;
    this.#machine = await DurableMachine.replay(
      body.runId,
      rulesOf(body),
      {
        ...{ store, lease, clock, log },
        deposed: (error) => {
          this.#forget();
          deposed(error);
        },
        attach: (effects) => this.#statements.attachedTo(effects),
        perform: (effect) => {
          this.#perform(effect);
        },
      },
      (effect) => {
        this.#replayed(effect);
      },
    );
    const { state } = this.#machine;
    if (state.phase === 'ended') {
      if (this.secure === undefined) void this.#forgetUpdates();
      this.#finish({ event: 'ended', run: body.runId, ...state });
      return;
    }
    if (state.phase === 'collecting' || state.phase === 'aggregating') await this.#reopenRound(state.planDigest);
    await this.secure?.reopen(state);
    await this.accept({ type: 'restarted' });
  }

  /** The plan and the key of the round that the crash interrupted. */
  async #reopenRound(planDigest: Digest): Promise<void> {
    const { store, identity, clock } = this.ports;
    const { runId } = this.config.body;
    const [plan, sealed] = await Promise.all([store.document(runId, planDigest), store.secret(runId, ROUND_KEY)]);
    if (plan === undefined || sealed === undefined) throw new StoreError('STORE_CORRUPT', 'the open round has no key');
    this.#round = {
      plan: openOwn(identity, 'plan', plan),
      secretKey: openAtRest(sealed, identity, keyContext(runId, planDigest)),
      startedMs: clock.nowMs(),
    };
  }

  /** What the past has made public is known again; signatures are deterministic, so it is the same to the byte. */
  #replayed(effect: CoordinatorEffect): void {
    if (effect.type === 'publish-aggregate') {
      this.models.know(effect.round, effect.newModel);
      this.#latest.set('aggregate', { name: 'aggregate', envelope: this.#statements.aggregate(effect).envelope });
    }
    if (effect.type === 'publish-sum' && this.secure !== undefined) {
      const { envelope } = this.secure.remember(effect);
      this.#latest.set('secagg-aggregate', { name: 'secagg-aggregate', envelope });
    }
    if (effect.type === 'end-run') {
      this.#latest.set('run-end', { name: 'run-end', envelope: this.#statements.end(effect).envelope });
    }
  }

  get runId(): RunId {
    return this.config.body.runId;
  }

  get state(): CoordinatorState {
    return this.#machine.state;
  }

  /** Events in the log. */
  get events(): number {
    return this.#machine.length;
  }

  /** The key and the plan of the round that is open, for checking updates; undefined between rounds. */
  get openRound(): { readonly plan: Opened<'plan'>; readonly secretKey: Uint8Array } | undefined {
    return this.state.phase === 'collecting' ? this.#round : undefined;
  }

  /** See {@link ORDER}. */
  current(): Pushed[] {
    return ORDER.map((name) => this.#latest.get(name)).filter((statement) => statement !== undefined);
  }

  /**
   * A part of a head, or of what secure rounds publish.
   *
   * @throws {@link StoreError} `BLOB_UNKNOWN` for what this run did not publish.
   */
  async readPublished(digest: string, offset: number, length: number): Promise<{ bytes: Buffer; sizeBytes: number }> {
    const name = this.secure?.nameOf(digest);
    if (name === undefined) {
      const whole = floatBytes(await this.models.read(digest));
      const bytes = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).subarray(offset, offset + length);
      return { bytes, sizeBytes: whole.length };
    }
    const { blobs } = this.ports.store;
    const sizeBytes = await blobs.size(this.runId, name);
    if (sizeBytes === undefined) throw new StoreError('BLOB_UNKNOWN', 'what was published is not kept any more');
    return { bytes: Buffer.from(await blobs.read(this.runId, name, offset, length)), sizeBytes };
  }

  /** @returns Whether the event changed anything, as soon as that is durable. */
  accept(event: CoordinatorEvent, attachment?: Attachment): Promise<boolean> {
    return this.#machine.accept(event, attachment);
  }

  /** An update that was checked in full, with its statement. @returns Whether it counts: the round may have closed. */
  async acceptUpdate({ body, envelope, digest }: Opened<'update'>): Promise<boolean> {
    const { from, planDigest, blobDigest, blobBytes, examples, round, loss } = body;
    const update = { hospitalId: from, ...{ blobDigest, blobBytes, examples }, loss: Number(loss) };
    const counted = await this.accept(
      { type: 'update-accepted', planDigest, update },
      { documents: [{ digest, kind: 'update', body: JSON.stringify(envelope) }] },
    );
    if (counted) this.#say({ event: 'update', run: this.runId, round, hospital: from, bytes: blobBytes });
    return counted;
  }

  async acceptEvaluation({ body, envelope, digest }: Opened<'evaluation'>): Promise<void> {
    const { from, round, model, scores } = body;
    const changed = await this.accept(
      { type: 'evaluated', hospitalId: from, model, score: scoreOf(scores, this.config.body.selection.metric) },
      { documents: [{ digest, kind: 'evaluation', body: JSON.stringify(envelope) }] },
    );
    if (scores === null || !changed) return;
    this.#say({
      event: 'evaluation',
      ...{ run: this.runId, round, hospital: from, examples: scores.examples },
      loss: Number(scores.loss),
      balancedAccuracy: Number(scores.balancedAccuracy),
    });
  }

  /** Lets go of everything without a word to anybody: the log keeps the run for whoever takes it up. */
  park(error: StoreError): void {
    this.#machine.depose(error);
  }

  #forget(): void {
    this.secure?.forget();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#round?.secretKey.fill(0);
    this.#round = undefined;
  }

  #perform(effect: CoordinatorEffect): void {
    switch (effect.type) {
      case 'set-timer':
        this.#setTimer(effect.key, effect.delayMs);
        return;
      case 'sign-plan':
        void (this.secure === undefined ? this.#signPlan(effect) : this.secure.signPlan(effect));
        return;
      case 'publish-plan':
        if (this.secure === undefined) this.#publishPlan();
        else this.secure.publishPlan();
        return;
      case 'close-stage':
        this.secure?.closeStage(effect);
        return;
      case 'publish-sum':
        this.#publishSum(effect);
        return;
      case 'aggregate':
        void this.#aggregate(effect);
        return;
      case 'publish-aggregate':
        this.#publishAggregate(effect);
        return;
      case 'end-run':
        this.#endRun(effect);
    }
  }

  #setTimer(key: string, delayMs: number): void {
    this.#timers.get(key)?.();
    const cancel = this.ports.clock.after(delayMs, () => {
      this.#timers.delete(key);
      void this.#internally({ type: 'timer', key });
    });
    this.#timers.set(key, cancel);
  }

  async #signPlan({ round, attempt, model, cohort }: Effect<'sign-plan'>): Promise<void> {
    const { publicKey, secretKey } = this.ports.makeRoundKey();
    const plan = this.#statements.plan({ round, attempt, model, cohort }, publicKey);
    this.#round = { plan, secretKey, startedMs: this.ports.clock.nowMs() };
    // The key is stored with the plan and erased with the aggregate: without it, updates that were acknowledged would be
    // lost with the process. It is encrypted, so a copy of the store opens nothing.
    const sealedKey = sealAtRest(secretKey, this.ports.identity, keyContext(this.runId, plan.digest));
    await this.#internally(
      { type: 'plan-signed', round, attempt, planDigest: plan.digest },
      { documents: [documentOf('plan', plan)], secrets: [{ name: ROUND_KEY, value: sealedKey }] },
    );
  }

  #publishPlan(): void {
    if (this.#round === undefined) return;
    const { plan } = this.#round;
    const { round, cohort: hospitals } = plan.body;
    this.#say({ event: 'round-started', run: this.runId, round, hospitals, purpose: 'train' });
    this.#push('plan', plan);
  }

  async #aggregate(effect: Effect<'aggregate'>): Promise<void> {
    const { round, attempt, planDigest, updates } = effect;
    const { store, lease, clock, log } = this.ports;
    const { body } = this.config;
    for (;;) {
      try {
        const before = await this.models.read(effect.model);
        const key = this.#round?.secretKey;
        if (key === undefined) return;
        const context = { runId: body.runId, round, attempt, planDigest };
        const { aggregation } = body;
        const { mean, totalExamples, exclusions } =
          aggregation === undefined
            ? { ...(await averageSealed(store.blobs, updates, before.length, key, context)), exclusions: [] }
            : await robustSum(
                { blobs: store.blobs, roundSecretKey: key, context, config: { ...body, aggregation } },
                updates,
              );
        if (mean === undefined) {
          this.#sayExcluded(round, exclusions);
          await this.#internally({ type: 'too-few-left', planDigest, exclusions });
          return;
        }
        const model = await serverStep({ blobs: store.blobs, lease: lease() }, body, before, mean);
        const digest = digestBlob(floatBytes(model)) as Digest;
        await this.models.keep(lease(), round, digest, model);
        await this.#internally({
          ...{ type: 'aggregated', planDigest, model: digest, totalExamples },
          ...(exclusions.length > 0 && { exclusions }),
        });
        return;
      } catch (error) {
        // What is not there, or not whole, will not be there later.
        if (!mayPass(error)) {
          await this.#fail(error);
          return;
        }
        log.error({ err: error, run: body.runId }, 'the store interrupted the sum; it is begun again');
        await clock.sleep(WORK_RETRY_MS);
      }
    }
  }

  #publishAggregate(effect: Effect<'publish-aggregate'>): void {
    const { round, newModel, updates, exclusions, cohort } = effect;
    this.#push('aggregate', this.#statements.aggregate(effect));
    this.#sayExcluded(round, exclusions);
    const ended = this.#round;
    this.#round = undefined;
    ended?.secretKey.fill(0);
    this.#say({
      event: 'round-done',
      run: this.runId,
      round,
      seconds: (this.ports.clock.nowMs() - (ended?.startedMs ?? 0)) / 1_000,
      hospitals: updates.map(({ hospitalId, examples, loss }) => ({ id: hospitalId, trainExamples: examples, loss })),
      missing: cohort.filter((id) => ![...updates, ...exclusions].some(({ hospitalId }) => hospitalId === id)),
      totals: {
        weight: effect.totalExamples,
        loss: updates.reduce((sum, { loss }) => sum + loss, 0) / updates.length,
      },
    });
    void this.#tidy(round, newModel);
  }

  #sayExcluded(round: number, exclusions: readonly ExcludedUpdate[]): void {
    for (const { hospitalId: hospital, reason } of exclusions) {
      this.#say({ event: 'excluded', run: this.runId, round, hospital, reason });
    }
  }

  #publishSum(effect: Effect<'publish-sum'>): void {
    this.secure?.publishSum(effect);
    // Hospitals and auditors recompute the newest sum from its vectors; those of earlier rounds go.
    void this.#tidy(effect.round - 1, effect.newModel, effect.round);
  }

  /** Nothing depends on this: what a crash leaves is removed at the end of the run, and the snapshot is in the store. */
  async #tidy(removed: number, newModel: Digest, round = removed): Promise<void> {
    const { store, lease, log, keepModel } = this.ports;
    try {
      await store.blobs.remove(lease(), this.runId, `update/${removed}`);
      if (this.models.digestOf(round) === newModel) {
        await keepModel(this.config.body, round, await this.models.read(newModel));
      }
    } catch (error) {
      log.error({ err: error, run: this.runId }, 'the round is done, but its snapshot could not be written');
    }
  }

  /** Of rounds that were not completed, and what a crash has left of others. */
  async #forgetUpdates(): Promise<void> {
    const { store, lease, clock, log } = this.ports;
    for (;;) {
      try {
        await store.blobs.remove(lease(), this.runId, 'update');
        return;
      } catch (error) {
        if (mayPass(error)) await clock.sleep(WORK_RETRY_MS);
        else {
          log.error({ err: error, run: this.runId }, 'the sealed updates of a run that is over could not be removed');
          return;
        }
      }
    }
  }

  #endRun(effect: Effect<'end-run'>): void {
    // Masked vectors show nothing: the newest stay for those who recompute the last sums.
    if (this.secure === undefined) void this.#forgetUpdates();
    const end = this.#statements.end(effect);
    this.#forget();
    this.#push('run-end', end);
    const { outcome, reason, rounds, bestRound } = effect;
    const ended = { event: 'ended' as const, run: this.runId, outcome, reason, rounds, bestRound };
    this.#say(ended);
    this.#finish(ended);
  }

  /** An event of our own. Being deposed is told once, by the machine. */
  async #internally(event: CoordinatorEvent, attachment?: Attachment): Promise<void> {
    await this.accept(event, attachment).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
  }

  /** The run cannot go on: hospitals are told. */
  async #fail(error: unknown): Promise<void> {
    this.ports.log.error({ err: error, run: this.runId }, 'the run cannot go on');
    await this.#internally({ type: 'failed' });
  }

  #push(name: Pushed['name'], { envelope }: Pick<Opened<'plan'>, 'envelope'>): void {
    const statement = { name, envelope };
    // A plan begins an attempt; a sum and the end of the run end it.
    if (name === 'plan' || name === 'secagg-plan' || !OF_ATTEMPT.includes(name)) {
      for (const old of OF_ATTEMPT) this.#latest.delete(old);
    }
    this.#latest.set(name, statement);
    this.ports.push(this, statement);
  }

  #say(progress: Progress): void {
    this.ports.progress(progress);
  }
}

const keyContext = (runId: string, planDigest: string): string => `${ROUND_KEY}/${runId}/${planDigest}`;
