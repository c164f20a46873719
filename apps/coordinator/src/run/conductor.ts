/**
 * Leads one run: the machine of libs/rounds on its durable log, and everything that the machine does not know about: keys,
 * signatures, blobs, clocks, sockets. Whatever is here in memory is known again after a crash from the log and the store.
 */
import type { Logger } from 'pino';
import type { Identity, RoundKey } from '@consilium/crypto';
import { initialParameters } from '@consilium/model-spec';
import { type Opened, type Pushed, type RunId, type Statement } from '@consilium/protocol';
import type { CoordinatorEffect, CoordinatorEvent, CoordinatorState } from '@consilium/rounds';
import { StoreError, type Lease, type RunStore } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import type { Clock } from './clock.js';
import { DurableMachine, type Attachment } from './durable-machine.js';
import { LatestStatements } from './latest-statements.js';
import { PublishedModels } from './published-models.js';
import type { Progress } from './progress.js';
import { rulesOf, scoreOf } from './rules.js';
import { SealedRounds, type SealedRoundsPorts } from './sealed-rounds.js';
import { SecureRounds, type SecureRoundsPorts } from './secure-rounds.js';
import { openOwn, RunStatements, type Effect } from './statements.js';
import { codeOf, mayPass } from './store-troubles.js';

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

export class Conductor {
  readonly models: PublishedModels;
  /** Of the trust mode secagg; undefined in the other. */
  readonly secure: SecureRounds | undefined;
  readonly #sealed: SealedRounds;
  readonly #statements: RunStatements;
  readonly #timers = new Map<string, () => void>();
  readonly #latest = new LatestStatements();
  #machine!: DurableMachine;
  #failure: string | undefined;
  #finish!: (end: Progress & { event: 'ended' }) => void;
  #giveUp!: (error: unknown) => void;
  /** Resolves when the run has ended, never if it stays open; rejects when it cannot be led here any more. */
  readonly ended = new Promise<Progress & { event: 'ended' }>((resolve, reject) => {
    this.#finish = resolve;
    this.#giveUp = reject;
  });

  private constructor(
    private readonly ports: ConductorPorts,
    readonly config: Opened<'run-config'>,
  ) {
    this.models = new PublishedModels(ports.store.blobs, config.body.runId);
    this.#statements = new RunStatements(ports.identity, config, (round) => this.models.digestOf(round));
    this.#latest.know({ name: 'run-config', envelope: config.envelope });
    // Most look at {@link failure}.
    this.ended.catch(() => undefined);
    const parts = this.#parts();
    this.#sealed = new SealedRounds(parts);
    this.secure = config.body.mode === 'secagg' ? new SecureRounds(parts) : undefined;
  }

  #parts(): SealedRoundsPorts & SecureRoundsPorts {
    const { identity } = this.ports;
    return {
      ...{ ...this.ports, config: this.config, statements: this.#statements, models: this.models },
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
    };
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
        broken: (error) => {
          this.#break(error);
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
      if (this.secure === undefined) void this.#sealed.forgetUpdates();
      this.#finish({ event: 'ended', run: body.runId, ...state });
      return;
    }
    if (state.phase === 'collecting' || state.phase === 'aggregating') await this.#sealed.reopen(state.planDigest);
    await this.secure?.reopen(state);
    await this.accept({ type: 'restarted' });
  }

  /** What the past has made public is known again; signatures are deterministic, so it is the same to the byte. */
  #replayed(effect: CoordinatorEffect): void {
    if (effect.type === 'publish-aggregate') {
      this.models.know(effect.round, effect.newModel);
      this.#latest.know({ name: 'aggregate', envelope: this.#statements.aggregate(effect).envelope });
    }
    if (effect.type === 'publish-sum' && this.secure !== undefined) {
      const { envelope } = this.secure.remember(effect);
      this.#latest.know({ name: 'secagg-aggregate', envelope });
    }
    if (effect.type === 'end-run') {
      this.#latest.know({ name: 'run-end', envelope: this.#statements.end(effect).envelope });
    }
  }

  get runId(): RunId {
    return this.config.body.runId;
  }

  get state(): CoordinatorState {
    return this.#machine.state;
  }

  /** A code: why this run, and no other, is not led here any more. The log keeps it for another attempt. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Events in the log. */
  get events(): number {
    return this.#machine.length;
  }

  /** The key and the plan of the round that is open, for checking updates; undefined between rounds. */
  get openRound(): { readonly plan: Opened<'plan'>; readonly secretKey: Uint8Array } | undefined {
    return this.state.phase === 'collecting' ? this.#sealed.open : undefined;
  }

  /** See {@link LatestStatements}. */
  current(): Pushed[] {
    return this.#latest.inOrder();
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
    const { buffer, byteOffset, byteLength } = await blobs.read(this.runId, name, offset, length);
    return { bytes: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength), sizeBytes };
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
    this.#machine.stop(error);
  }

  #break(error: unknown): void {
    this.#forget();
    this.#failure = codeOf(error);
    this.ports.log.error({ err: error, run: this.runId }, 'this run cannot be led here any more; others go on');
    this.#say({ event: 'run-failed', run: this.runId, code: this.#failure });
    this.#giveUp(error);
  }

  #forget(): void {
    this.secure?.forget();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#sealed.forget();
  }

  #perform(effect: CoordinatorEffect): void {
    switch (effect.type) {
      case 'set-timer':
        this.#setTimer(effect.key, effect.delayMs);
        return;
      case 'sign-plan':
        this.#inBackground((this.secure ?? this.#sealed).signPlan(effect));
        return;
      case 'publish-plan':
        (this.secure ?? this.#sealed).publishPlan();
        return;
      case 'close-stage':
        this.secure?.closeStage(effect);
        return;
      case 'publish-sum':
        this.secure?.publishSum(effect);
        void this.#keepSnapshot(effect);
        return;
      case 'leave-out': {
        const { round, hospitals } = effect;
        this.#say({ event: 'left-out', run: this.runId, round, hospitals });
        return;
      }
      case 'aggregate':
        this.#inBackground(this.#sealed.aggregate(effect));
        return;
      case 'publish-aggregate':
        this.#sealed.publishAggregate(effect);
        void this.#keepSnapshot(effect);
        return;
      case 'end-run':
        this.#endRun(effect);
    }
  }

  /** Whatever it did not foresee ends this run here, and no other one. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#machine.stop(error);
    });
  }

  #setTimer(key: string, delayMs: number): void {
    this.#timers.get(key)?.();
    const cancel = this.ports.clock.after(delayMs, () => {
      this.#timers.delete(key);
      void this.#internally({ type: 'timer', key });
    });
    this.#timers.set(key, cancel);
  }

  /** Nothing depends on this: the head is in the store. */
  async #keepSnapshot({ round, newModel }: Effect<'publish-aggregate' | 'publish-sum'>): Promise<void> {
    const { log, keepModel } = this.ports;
    // The last sum of a secure run has no head of its own.
    if (this.models.digestOf(round) !== newModel) return;
    try {
      await keepModel(this.config.body, round, await this.models.read(newModel));
    } catch (error) {
      log.error({ err: error, run: this.runId }, 'the round is done, but its snapshot could not be written');
    }
  }

  #endRun(effect: Effect<'end-run'>): void {
    // Masked vectors show nothing, and stay for those who recompute sums (vector-window.ts).
    if (this.secure === undefined) void this.#sealed.forgetUpdates();
    const end = this.#statements.end(effect);
    this.#forget();
    this.#push('run-end', end);
    const { outcome, reason, rounds, bestRound } = effect;
    const ended = { event: 'ended' as const, run: this.runId, outcome, reason, rounds, bestRound };
    this.#say(ended);
    this.#finish(ended);
  }

  /** An event of our own. Why the machine has stopped is told once, by the machine. */
  async #internally(event: CoordinatorEvent, attachment?: Attachment): Promise<void> {
    await this.accept(event, attachment).catch(() => undefined);
  }

  /** The run cannot go on: hospitals are told. */
  async #fail(error: unknown): Promise<void> {
    this.ports.log.error({ err: error, run: this.runId }, 'the run cannot go on');
    await this.#internally({ type: 'failed' });
  }

  #push(name: Pushed['name'], { envelope }: Pick<Opened<'plan'>, 'envelope'>): void {
    const statement = { name, envelope };
    this.#latest.say(statement);
    this.ports.push(this, statement);
  }

  #say(progress: Progress): void {
    this.ports.progress(progress);
  }
}
