/**
 * A hospital's part in one run: statements of the coordinator go into the pure machine of libs/rounds, and the effects
 * that come out are performed here. One thing at a time, so that a plan never overtakes the model that it starts from.
 */
import { fromHex, toHex } from '@consilium/bytes';
import { digestBlob, isSafeAgreementKey, signBytes } from '@consilium/crypto';
import { initialParameters, parameterCount } from '@consilium/model-spec';
import {
  decimal,
  ProtocolError,
  signStatement,
  type Aggregate,
  type Digest,
  type Opened,
  type RunConfig,
  type RunEnd,
} from '@consilium/protocol';
import {
  refuseConfig,
  startHospital,
  stepHospital,
  type AcceptedPlan,
  type HospitalEffect,
  type HospitalEvent,
  type HospitalState,
  type LocalRefusal,
} from '@consilium/rounds';
import { CoordinatorChannel, Refused, type CoordinatorStatement, type LineState } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import { floatBytes } from '@consilium/tensors';
import type { Learner, Prepared, Scores } from './learner.js';
import { answerPlan, type Outgoing } from './round.js';
import { Stopwatch, type Activity } from './stopwatch.js';

export type NodeProgress =
  | { readonly event: 'line'; readonly state: LineState }
  | { readonly event: 'stage'; readonly stage: HospitalState['phase']; readonly round: number }
  | { readonly event: 'evaluated'; readonly round: number; readonly scores: Scores };

export interface NodeOptions extends Credentials {
  readonly url: string;
  readonly learner: Learner;
  readonly modes: readonly RunConfig['mode'][];
  readonly progress: (progress: NodeProgress) => void;
}

export type NodeOutcome =
  | {
      readonly ended: RunEnd['outcome'];
      readonly reason: RunEnd['reason'];
      readonly rounds: number;
      readonly config: Opened<'run-config'> | undefined;
      /** The head after the last round that this hospital saw. */
      readonly model: Float32Array | undefined;
      readonly sentBytes: number;
      readonly seconds: Record<Activity, number>;
    }
  | { readonly ended: 'refused-here'; readonly code: LocalRefusal; readonly detail: string }
  | { readonly ended: 'refused-there'; readonly error: ProtocolError };

export class HospitalNode {
  readonly #stopwatch = new Stopwatch();
  readonly #channel: CoordinatorChannel;
  readonly #models = new Map<Digest, Float32Array>();
  #state: HospitalState = startHospital();
  #config: Opened<'run-config'> | undefined;
  #prepared: Promise<Prepared> | undefined;
  #outgoing: Outgoing | undefined;
  #round = 0;
  #model: Float32Array | undefined;
  /** Everything that happens waits for what happened before it. */
  #turn: Promise<void> = Promise.resolve();
  #finish!: (outcome: NodeOutcome) => void;
  #fail!: (error: unknown) => void;

  constructor(private readonly options: NodeOptions) {
    this.#channel = new CoordinatorChannel({
      ...options,
      onStatement: (statement) => {
        this.#soon(() => this.#heard(statement));
      },
      onLine: (state) => {
        options.progress({ event: 'line', state });
      },
      onRefused: (error) => {
        this.#finish({ ended: 'refused-there', error });
      },
    });
  }

  /** Takes part until the run ends, or until one side refuses the other. Rejects when the local data cannot be used. */
  async run(): Promise<NodeOutcome> {
    const outcome = new Promise<NodeOutcome>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // The line opens first: the coordinator sees that we are there while the images are read.
    this.#channel.open();
    this.#prepared = this.#stopwatch.during('preparing', () => this.options.learner.prepare());
    this.#prepared.catch((error: unknown) => {
      this.#fail(error);
    });
    try {
      return await outcome;
    } finally {
      this.#channel.close();
    }
  }

  /** Leaves for good and without a word, as a crash would; {@link run} does not resolve after it. */
  close(): void {
    this.#channel.close();
  }

  #soon(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      if (error instanceof Refused) this.#finish({ ended: 'refused-there', error });
      else if (error instanceof ProtocolError) {
        this.#finish({ ended: 'refused-here', code: 'COORDINATOR_MISBEHAVED', detail: error.message });
      } else this.#fail(error);
    });
  }

  async #heard(statement: CoordinatorStatement): Promise<void> {
    switch (statement.name) {
      case 'run-config': {
        // After a reconnection it comes again, and was judged already; another one the machine refuses by its digest.
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
        await this.#step({ type: 'plan', plan: statement.body, digest: statement.digest });
        return;
      case 'aggregate':
        await this.#step({ type: 'aggregate', aggregate: statement.body });
        return;
      case 'run-end':
        await this.#step({ type: 'run-end', end: statement.body });
    }
  }

  async #refusal(config: RunConfig): Promise<LocalRefusal | undefined> {
    const prepared = await this.#prepared;
    if (prepared === undefined) throw new Error('a statement arrived before the node was started');
    const initial = initialParameters(config.head, config.seed);
    const initialModel = digestBlob(floatBytes(initial)) as Digest;
    this.#keep(initialModel, initial);
    const { hospitalId, identity, modes } = this.options;
    return refuseConfig(
      config,
      { hospitalId, identityKey: toHex(identity.publicKey), modes, ...prepared },
      { parameters: parameterCount(config.head), initialModel },
    );
  }

  async #step(event: HospitalEvent): Promise<void> {
    const before = this.#state.phase;
    const { state, effects } = stepHospital(this.options.hospitalId, this.#state, event);
    this.#state = state;
    if ('accepted' in state) this.#round = state.accepted.plan.round;
    if (state.phase === 'ended') this.#round = state.rounds;
    if (state.phase !== before) this.options.progress({ event: 'stage', stage: state.phase, round: this.#round });
    for (const effect of effects) await this.#perform(effect);
  }

  async #perform(effect: HospitalEffect): Promise<void> {
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
      case 'evaluate':
        await this.#evaluate(effect.aggregate);
        return;
      case 'stop':
        this.#stop();
    }
  }

  async #sendConsent(configDigest: Digest): Promise<void> {
    const { hospitalId } = this.options;
    const consent = this.#sign('consent', { v: 1, runId: this.#terms().runId, from: hospitalId, configDigest });
    await this.#channel.request('consent', { statement: consent });
  }

  async #train(accepted: AcceptedPlan): Promise<void> {
    const config = this.#terms();
    const model = await this.#readModel(accepted.plan.model);
    this.#outgoing = await this.#stopwatch.during('training', () =>
      answerPlan(accepted, config, model, this.options.learner, this.options),
    );
    await this.#step({ type: 'trained', planDigest: accepted.digest });
  }

  async #sendUpdate({ digest: planDigest }: AcceptedPlan): Promise<void> {
    const outgoing = this.#outgoing;
    this.#outgoing = undefined;
    if (outgoing === undefined) throw new Error('there is no update to send');
    try {
      await this.#stopwatch.during('transfer', () =>
        this.#channel.sendUpdate(outgoing.statement, outgoing.blobDigest, outgoing.sealed),
      );
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const roundIsOver = error.code === 'ROUND_CLOSED' || error.code === 'PLAN_MISMATCH';
      this.#refusedWith = error;
      await this.#step({ type: 'update-refused', planDigest, roundIsOver });
      return;
    }
    await this.#step({ type: 'update-acknowledged', planDigest });
  }

  #refusedWith: ProtocolError | undefined;

  async #evaluate(aggregate: Aggregate): Promise<void> {
    const { round, attempt, planDigest, model: digest } = aggregate;
    const config = this.#terms();
    const model = await this.#readModel(digest);
    this.#model = model;
    const scores = await this.#stopwatch.during('evaluating', () => this.options.learner.evaluate(config, model));
    if (scores !== undefined) this.options.progress({ event: 'evaluated', round, scores });
    const statement = this.#sign('evaluation', {
      v: 1,
      runId: config.runId,
      ...{ round, attempt, planDigest, model: digest },
      from: this.options.hospitalId,
      scores: scores === undefined ? null : signable(scores),
    });
    await this.#channel.request('evaluation', { statement });
    await this.#step({ type: 'evaluated', model: digest });
  }

  #stop(): void {
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
        model: this.#model,
        sentBytes: this.#channel.sentBytes,
        seconds: this.#stopwatch.seconds(),
      });
    }
  }

  /** Each head is read from the coordinator once; the initial one is computed here. */
  async #readModel(digest: Digest): Promise<Float32Array> {
    const known = this.#models.get(digest);
    if (known !== undefined) return known;
    const bytes = await this.#stopwatch.during('transfer', () =>
      this.#channel.readBlob(digest, 4 * this.#terms().parameters),
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
    if (this.#config === undefined) throw new Error('there is no run configuration yet');
    return this.#config.body;
  }

  #sign<N extends 'consent' | 'evaluation'>(name: N, body: Parameters<typeof signStatement<N>>[1]) {
    const { identity, hospitalId } = this.options;
    return signStatement(name, body, hospitalId, (bytes) => signBytes(identity, bytes)).envelope;
  }
}

const signable = ({ part, examples, loss, accuracy, balancedAccuracy, auc }: Scores) => ({
  ...{ part, examples },
  loss: decimal(loss),
  accuracy: decimal(accuracy),
  balancedAccuracy: decimal(balancedAccuracy),
  auc: auc === null ? null : decimal(auc),
});
