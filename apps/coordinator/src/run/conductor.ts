/**
 * Leads one run: puts events into the pure machine of libs/rounds, one at a time, and performs the effects that come
 * out. Everything that the machine does not know about is here: keys, signatures, files, clocks, sockets.
 */
import { toHex } from '@consilium/bytes';
import { digestBlob, type RoundKey } from '@consilium/crypto';
import { initialParameters } from '@consilium/model-spec';
import type { Digest, Evaluation, HospitalId, Opened, Pushed, Statement, UpdateStatement } from '@consilium/protocol';
import {
  startCoordinator,
  stepCoordinator,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  type RunRules,
} from '@consilium/rounds';
import type { BlobFolder } from './blob-folder.js';
import { floatBytes } from '@consilium/tensors';
import { PublishedModels } from './published-models.js';
import type { Progress } from './progress.js';
import { averageSealed } from './sealed-sum.js';

export interface ConductorPorts {
  readonly config: Opened<'run-config'>;
  readonly timing: Pick<RunRules, 'gatherTimeoutMs' | 'absenceGraceMs'>;
  readonly blobs: BlobFolder;
  /** A fresh X25519 key pair for each attempt of a round. */
  readonly makeRoundKey: () => RoundKey;
  readonly sign: <N extends 'plan' | 'aggregate' | 'run-end'>(name: N, body: Statement<N>) => Opened<N>;
  /** To every hospital with a session; those without one get it from {@link Conductor.current} when they come back. */
  readonly push: (statement: Pushed) => void;
  readonly keepModel: (round: number, model: Float32Array) => Promise<void>;
  readonly progress: (progress: Progress) => void;
  /** Why the run is about to be aborted with `COORDINATOR_FAILED`. */
  readonly failed: (error: unknown) => void;
}

interface Round {
  readonly plan: Opened<'plan'>;
  readonly secretKey: Uint8Array;
  readonly startedMs: number;
  readonly losses: Map<HospitalId, number>;
}

export class Conductor {
  readonly models = new PublishedModels();
  readonly #rules: RunRules;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #waiting: { readonly event: CoordinatorEvent; readonly decided: (changed: boolean) => void }[] = [];
  readonly #latest = new Map<Pushed['name'], Pushed>();
  #state: CoordinatorState;
  #round: Round | undefined;
  #busy = false;

  constructor(private readonly ports: ConductorPorts) {
    const { config } = ports;
    const { roster, rounds, minHospitals, roundTimeoutMs, initialModel, head, seed } = config.body;
    this.#rules = {
      roster: roster.map(({ hospitalId }) => hospitalId),
      ...{ rounds, minHospitals, roundTimeoutMs, initialModel },
      ...ports.timing,
    };
    this.models.publish(initialModel, initialParameters(head, seed));
    this.#latest.set('run-config', { name: 'run-config', envelope: config.envelope });
    const { state, effects } = startCoordinator(this.#rules);
    this.#state = state;
    void this.#perform(effects);
  }

  get state(): CoordinatorState {
    return this.#state;
  }

  get config(): Opened<'run-config'> {
    return this.ports.config;
  }

  /** The key and the plan of the round that is open, for checking updates; undefined between rounds. */
  get openRound(): { readonly plan: Opened<'plan'>; readonly secretKey: Uint8Array } | undefined {
    return this.#state.phase === 'collecting' ? this.#round : undefined;
  }

  /** What a hospital that has just come must know, in order of time. */
  current(): Pushed[] {
    const order: Pushed['name'][] = ['run-config', 'aggregate', 'plan', 'run-end'];
    return order.map((name) => this.#latest.get(name)).filter((statement) => statement !== undefined);
  }

  /** @returns Whether the event changed anything, as soon as that is decided and before its effects are performed. */
  accept(event: CoordinatorEvent): Promise<boolean> {
    return new Promise((decided) => {
      this.#waiting.push({ event, decided });
      if (!this.#busy) void this.#drain();
    });
  }

  /** An update that was checked in full. @returns Whether it counts: the round may have closed meanwhile. */
  async acceptUpdate(statement: UpdateStatement): Promise<boolean> {
    const { from, planDigest, blobDigest, blobBytes, examples, round } = statement;
    const update = { hospitalId: from, blobDigest, blobBytes, examples };
    const counted = await this.accept({ type: 'update-accepted', planDigest, update });
    if (counted) {
      this.#round?.losses.set(from, Number(statement.loss));
      this.ports.progress({ event: 'update', round, hospital: from, bytes: blobBytes });
    }
    return counted;
  }

  acceptEvaluation({ from, round, model, scores }: Evaluation): void {
    if (scores !== null) {
      this.ports.progress({
        event: 'evaluation',
        ...{ round, hospital: from, examples: scores.examples },
        loss: Number(scores.loss),
        balancedAccuracy: Number(scores.balancedAccuracy),
      });
    }
    void this.accept({ type: 'evaluated', hospitalId: from, model });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const before = this.#state;
        const { state, effects } = stepCoordinator(this.#rules, before, next.event);
        this.#state = state;
        next.decided(state !== before);
        await this.#perform(effects);
      }
    } catch (error) {
      await this.#giveUp(error);
    } finally {
      this.#busy = false;
    }
  }

  /** The run cannot go on: hospitals are told, as far as that still works. */
  async #giveUp(error: unknown): Promise<void> {
    this.ports.failed(error);
    const { state, effects } = stepCoordinator(this.#rules, this.#state, { type: 'failed' });
    this.#state = state;
    await this.#perform(effects);
  }

  async #perform(effects: readonly CoordinatorEffect[]): Promise<void> {
    for (const effect of effects) await this.#performOne(effect);
  }

  async #performOne(effect: CoordinatorEffect): Promise<void> {
    switch (effect.type) {
      case 'set-timer':
        this.#setTimer(effect.key, effect.delayMs);
        return;
      case 'sign-plan':
        this.#signPlan(effect);
        return;
      case 'publish-plan':
        this.#publishPlan();
        return;
      case 'aggregate':
        await this.#aggregate(effect);
        return;
      case 'publish-aggregate':
        await this.#publishAggregate(effect);
        return;
      case 'end-run':
        this.#endRun(effect);
    }
  }

  #setTimer(key: string, delayMs: number): void {
    clearTimeout(this.#timers.get(key));
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      void this.accept({ type: 'timer', key });
    }, delayMs);
    this.#timers.set(key, timer);
  }

  #signPlan({ round, attempt, model, cohort }: Extract<CoordinatorEffect, { type: 'sign-plan' }>): void {
    const { publicKey, secretKey } = this.ports.makeRoundKey();
    const { body, digest: configDigest } = this.ports.config;
    const plan = this.ports.sign('plan', {
      v: 1,
      runId: body.runId,
      ...{ round, attempt, configDigest, model },
      from: 'coordinator',
      roundKey: toHex(publicKey),
      cohort: [...cohort],
    });
    this.#round = { plan, secretKey, startedMs: performance.now(), losses: new Map() };
    void this.accept({ type: 'plan-signed', round, attempt, planDigest: plan.digest });
  }

  #publishPlan(): void {
    if (this.#round === undefined) return;
    const { plan } = this.#round;
    this.ports.progress({ event: 'round-started', round: plan.body.round, hospitals: plan.body.cohort });
    this.#push('plan', plan);
  }

  async #aggregate(effect: Extract<CoordinatorEffect, { type: 'aggregate' }>): Promise<void> {
    const { round, attempt, planDigest, updates } = effect;
    const before = this.models.get(effect.model);
    if (this.#round === undefined || before === undefined) throw new Error('the open round lost its key or its model');
    const context = { runId: this.ports.config.body.runId, round, attempt, planDigest };
    const { model, totalExamples } = await averageSealed(
      this.ports.blobs,
      updates,
      before,
      this.#round.secretKey,
      context,
    );
    const digest = digestBlob(floatBytes(model)) as Digest;
    this.models.publish(digest, model);
    void this.accept({ type: 'aggregated', planDigest, model: digest, totalExamples });
  }

  async #publishAggregate(effect: Extract<CoordinatorEffect, { type: 'publish-aggregate' }>): Promise<void> {
    const { round, attempt, planDigest, newModel, updates, totalExamples, cohort } = effect;
    const aggregate = this.ports.sign('aggregate', {
      v: 1,
      runId: this.ports.config.body.runId,
      ...{ round, attempt, planDigest, totalExamples, model: newModel },
      from: 'coordinator',
      updates: updates.map(({ hospitalId, blobDigest }) => ({ hospitalId, blobDigest })),
    });
    this.#latest.delete('plan');
    this.#push('aggregate', aggregate);
    const ended = this.#round;
    this.#round = undefined;
    ended?.secretKey.fill(0);
    for (const update of updates) this.ports.blobs.remove(update);
    this.ports.progress({
      event: 'round-done',
      round,
      seconds: (performance.now() - (ended?.startedMs ?? 0)) / 1_000,
      hospitals: updates.map(({ hospitalId, examples }) => ({
        id: hospitalId,
        trainExamples: examples,
        loss: ended?.losses.get(hospitalId) ?? Number.NaN,
      })),
      missing: cohort.filter((id) => !updates.some(({ hospitalId }) => hospitalId === id)),
    });
    const model = this.models.get(newModel);
    if (model !== undefined) await this.ports.keepModel(round, model);
  }

  #endRun({ outcome, reason, rounds }: Extract<CoordinatorEffect, { type: 'end-run' }>): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#round?.secretKey.fill(0);
    this.#round = undefined;
    const { body, digest: configDigest } = this.ports.config;
    const end = this.ports.sign('run-end', {
      v: 1,
      runId: body.runId,
      from: 'coordinator',
      ...{ configDigest, outcome, reason, rounds },
    });
    this.#latest.delete('plan');
    this.#push('run-end', end);
    this.ports.progress({ event: 'ended', outcome, reason, rounds });
  }

  #push(name: Pushed['name'], { envelope }: Pick<Opened<'plan'>, 'envelope'>): void {
    const statement = { name, envelope };
    this.#latest.set(name, statement);
    this.ports.push(statement);
  }
}
