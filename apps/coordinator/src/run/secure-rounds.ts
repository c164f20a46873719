/**
 * The secure rounds of one run, led beside the machine: signs plans, closes stages, opens sums. The one attempt that is open
 * is a {@link SecureSession}, made again from the log after a crash.
 */
import { digestBlob } from '@consilium/crypto';
import { ProtocolError, type Digest, type HospitalId, type Opened, type Parcel } from '@consilium/protocol';
import {
  decodeFigures,
  SECURE_STAGES,
  type CoordinatorEvent,
  type CoordinatorState,
  type OpenedSum,
  type SecureStage,
} from '@consilium/rounds';
import { SecAggError } from '@consilium/secagg';
import { StoreError } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import type { Attachment } from './durable-machine.js';
import { scoreOf } from './rules.js';
import { updateName } from './sealed-sum.js';
import { evidenceBlob, revealedBlob, SecureSession, storedWord } from './secure-session.js';
import { type Answer, type Word, WORD_OF_STAGE } from './secure-session.js';
import { WORK_RETRY_MS, type RoundsPorts } from './rounds-ports.js';
import { serverStep } from './server-step.js';
import { documentOf, type Effect } from './statements.js';
import { readBlob, writeBlob } from './stored-blob.js';

export interface SecureRoundsPorts extends RoundsPorts {
  readonly open: (name: 'secagg-plan', text: string) => Opened<'secagg-plan'>;
  readonly accept: (event: CoordinatorEvent, attachment?: Attachment) => Promise<boolean>;
}

type Closing = Effect<'close-stage'>;

const sumName = (digest: string): string => `sum/${digest}`;
const leavesName = (digest: string): string => `leaves/${digest}`;
const evidenceName = (digest: string): string => `evidence/${digest}`;
const revealedName = (digest: string): string => `revealed/${digest}`;

export class SecureRounds {
  #session: SecureSession | undefined;
  #newest: Digest | undefined;
  #startedMs = 0;
  #closing: Promise<void> = Promise.resolve();
  #line: Promise<unknown> = Promise.resolve();
  /** Plans and sums of completed rounds, for hospitals that were away. */
  readonly #past = new Map<number, { readonly planDigest: Digest; readonly aggregate: Opened<'secagg-aggregate'> }>();
  /** Who is in the newest sum. */
  #inSum: readonly HospitalId[] | undefined;
  /** Blobs that hospitals may read, by digest. */
  readonly #published = new Map<string, string>();

  constructor(private readonly ports: SecureRoundsPorts) {}

  async signPlan(effect: Effect<'sign-plan'>): Promise<void> {
    const { round, attempt } = effect;
    const opened = this.ports.statements.securePlan(effect, Date.now());
    this.#begin(opened);
    await this.ports.internally(
      { type: 'plan-signed', round, attempt, planDigest: opened.digest },
      { documents: [documentOf('secagg-plan', opened)] },
    );
  }

  #begin(opened: Opened<'secagg-plan'>): void {
    this.#session = new SecureSession(opened);
    this.#newest = opened.digest;
    this.#startedMs = this.ports.clock.nowMs();
  }

  publishPlan(): void {
    const plan = this.#session?.opened;
    if (plan === undefined) return;
    const { round, roster, purpose } = plan.body;
    const hospitals = roster.map(({ hospitalId }) => hospitalId);
    this.ports.say({ event: 'round-started', run: this.#runId, round, hospitals, purpose });
    this.ports.push('secagg-plan', plan);
  }

  /** The attempt that a crash interrupted: its plan, and every word that counts. */
  async reopen(state: CoordinatorState): Promise<void> {
    if (!('said' in state)) return;
    const { store, open } = this.ports;
    const plan = await store.document(this.#runId, state.planDigest);
    if (plan === undefined) throw new StoreError('STORE_CORRUPT', 'the open round has no plan');
    this.#begin(open('secagg-plan', plan));
    const session = this.#session as unknown as SecureSession;
    for (const stage of SECURE_STAGES) {
      for (const { digest } of state.said[stage].values()) {
        const text = await store.document(this.#runId, digest);
        if (text === undefined) throw new StoreError('STORE_CORRUPT', 'a word that counts is not in the log');
        session.recall(stage, digest, text);
      }
      // The sum is opened when the machine asks for it again.
      if (stage === state.phase || stage === 'unmasking') return;
      await session.close(stage, state.said, this.#vectorOf(state));
    }
  }

  #vectorOf({ round, attempt }: { readonly round: number; readonly attempt: number }) {
    return async (hospitalId: HospitalId, blobDigest: Digest): Promise<Uint32Array> => {
      const name = updateName({ round, attempt }, { hospitalId, blobDigest });
      return new Uint32Array((await readBlob(this.ports.store.blobs, this.#runId, name)).buffer);
    };
  }

  /** Whether enough hospitals have spoken at a stage of the newest attempt: who comes late has missed nothing. */
  isEnough(stage: SecureStage, planDigest: string): boolean {
    return (stage === 'agreeing' || stage === 'unmasking') && planDigest === this.#newest;
  }

  /** Length of a masked vector of the open attempt, bytes; undefined between rounds. */
  get vectorBytes(): number | undefined {
    return this.#session?.vectorBytes;
  }

  deliveriesFor(hospitalId: HospitalId, planDigest: string) {
    if (this.#session?.opened.digest !== planDigest) throw new ProtocolError('PLAN_MISMATCH');
    return this.#session.deliveriesFor(hospitalId);
  }

  /** Work that holds a whole vector waits for its like. */
  oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#line.then(work, work);
    this.#line = done.catch(() => undefined);
    return done;
  }

  /**
   * A hospital's word, which the machine would still take.
   *
   * @returns Whether it counts.
   * @throws {@link ProtocolError} `SECAGG_REFUSED`, `ROUND_CLOSED`, `PLAN_MISMATCH`.
   */
  async hear(
    stage: SecureStage,
    word: Word,
    beside: { readonly parcels?: readonly Parcel[]; readonly vector?: Uint32Array } = {},
  ): Promise<boolean> {
    const session = this.#session;
    const { from, planDigest, round } = word.body;
    if (session?.opened.digest !== planDigest) throw new ProtocolError('PLAN_MISMATCH');
    // A stage that is being closed answers first: what comes next is checked against what it closed.
    await this.#closing;
    session.hear(stage, word, beside);
    const masked = stage === 'masking' ? (word as Opened<'masked'>) : undefined;
    let counts = false;
    try {
      counts = await this.ports.accept(
        {
          ...{ type: 'said', stage, hospitalId: from, planDigest },
          word: {
            digest: word.digest,
            ...(masked && { blob: { digest: masked.body.blobDigest, bytes: masked.body.blobBytes } }),
          },
        },
        { documents: [{ digest: word.digest, kind: WORD_OF_STAGE[stage], body: storedWord(word, beside.parcels) }] },
      );
    } finally {
      if (masked !== undefined) session.settle(masked, counts);
    }
    if (counts && masked !== undefined) {
      this.ports.say({ event: 'update', run: this.#runId, round, hospital: from, bytes: masked.body.blobBytes });
    }
    return counts;
  }

  /** A hospital left the attempt over another's shares. @returns Whether that means anything: it may be a lie, or late. */
  async complain({ body, envelope, digest }: Opened<'complaint'>): Promise<boolean> {
    const counts = await this.ports.accept(
      { type: 'disputed', planDigest: body.planDigest, hospitalId: body.from, accused: body.accused },
      { documents: [{ digest, kind: 'complaint', body: JSON.stringify({ envelope }) }] },
    );
    const { round, from: hospital, accused } = body;
    if (counts) this.ports.say({ event: 'disputed', run: this.#runId, round, hospital, accused });
    return counts;
  }

  closeStage(effect: Closing): void {
    this.#closing = this.#closing.then(() => this.#close(effect));
  }

  async #close(effect: Closing): Promise<void> {
    const { stage, said, planDigest } = effect;
    for (;;) {
      const session = this.#session;
      if (session?.opened.digest !== planDigest) return;
      try {
        const answer = await session.close(stage, said, this.#vectorOf(effect));
        if (answer.name === 'sum') await this.#opened(effect, answer);
        else {
          this.ports.push(answer.name, this.ports.statements.answer(answer));
          this.ports.say({ event: 'stage', run: this.#runId, round: effect.round, stage: NEXT_WORD[answer.name] });
        }
        return;
      } catch (error) {
        if (error instanceof SecAggError) {
          await this.#spoilt(planDigest, error);
          return;
        }
        if (!this.ports.mayPass(error)) {
          await this.ports.fail(error);
          return;
        }
        await this.ports.clock.sleep(WORK_RETRY_MS);
      }
    }
  }

  async #spoilt(planDigest: Digest, error: SecAggError): Promise<void> {
    this.ports.log.error({ run: this.#runId, code: error.code, accused: error.accused }, error.message);
    await this.ports.internally({
      ...{ type: 'spoilt', planDigest },
      accused: error.accused as HospitalId | null,
    });
  }

  /** From the opened sum to the new head, durable before anybody is told. */
  async #opened(
    effect: Closing,
    { announced, opened, leaves, evidence }: Extract<Answer, { name: 'sum' }>,
  ): Promise<void> {
    const { models, store, lease, config } = this.ports;
    const { body } = config;
    const before = await models.read(effect.model);
    const { mean, weight, metrics, hospitals } = opened.decoded;
    const isTraining = effect.secure.lastly === undefined;
    const step = { blobs: store.blobs, lease: lease() };
    const model = isTraining ? await serverStep(step, body, { round: effect.round, head: before }, mean) : before;
    const digest = digestBlob(floatBytes(model)) as Digest;
    if (isTraining) await models.keep(lease(), effect.round, digest, model);
    const sumBytes = new Uint8Array(opened.sum.buffer, opened.sum.byteOffset, opened.sum.byteLength);
    await this.#keep(sumName(announced.sumDigest), announced.sumDigest, sumBytes);
    const revealed = revealedBlob(opened);
    await this.#keep(revealedName(revealed.digest), revealed.digest, revealed.bytes);
    const leavesDigest = digestBlob(leaves) as Digest;
    await this.#keep(leavesName(leavesDigest), leavesDigest, leaves);
    const shown = evidenceBlob(evidence);
    await this.#keep(evidenceName(shown.digest), shown.digest, shown.bytes);
    const { trainLoss, figures } = decodeFigures(metrics, hospitals);
    const xs = new Map(this.#session?.plan.body.roster.map(({ hospitalId, x }) => [hospitalId, x]));
    const sum: OpenedSum = {
      sessionId: announced.sessionId as Digest,
      survivors: announced.survivors,
      sumDigest: announced.sumDigest as Digest,
      recovered: announced.recovered as OpenedSum['recovered'],
      vectors: [...effect.said.masking]
        .map(([hospitalId, { blob }]) => ({ x: xs.get(hospitalId) ?? 0, blobDigest: blob?.digest as Digest }))
        .sort((a, b) => a.x - b.x),
      ...{ revealedDigest: revealed.digest, revealedBytes: revealed.bytes.length },
      ...{ leavesDigest, leavesBytes: leaves.length },
      ...{ evidenceDigest: shown.digest, evidenceBytes: shown.bytes.length },
      ...{ totalWeight: weight, loss: trainLoss, figures },
      score: scoreOf(figures, body.selection.metric),
    };
    await this.ports.internally({ type: 'opened', planDigest: effect.planDigest, model: digest, sum });
  }

  #keep(name: string, digest: string, bytes: Uint8Array): Promise<void> {
    const { store, lease } = this.ports;
    return writeBlob(store.blobs, lease(), this.#runId, { name, bytes, digest });
  }

  /** What the past has made public, known again after a restart. */
  remember(effect: Effect<'publish-sum'>): Opened<'secagg-aggregate'> {
    const { round, attempt, planDigest, newModel, sum, secure, cohort } = effect;
    const aggregate = this.ports.statements.sum(effect);
    if (secure?.lastly === undefined) this.ports.models.know(round, newModel);
    this.#past.set(round, { planDigest, aggregate });
    this.#published.set(sum.sumDigest, sumName(sum.sumDigest));
    this.#published.set(sum.revealedDigest, revealedName(sum.revealedDigest));
    this.#published.set(sum.leavesDigest, leavesName(sum.leavesDigest));
    this.#published.set(sum.evidenceDigest, evidenceName(sum.evidenceDigest));
    const ids = [...cohort].sort();
    this.#inSum = sum.survivors.flatMap((x) => ids[x - 1] ?? []);
    for (const { x, blobDigest } of sum.vectors) {
      const hospitalId = ids[x - 1];
      if (hospitalId === undefined) continue;
      this.#published.set(blobDigest, updateName({ round, attempt }, { hospitalId, blobDigest }));
    }
    return aggregate;
  }

  publishSum(effect: Effect<'publish-sum'>): void {
    const { round, sum, cohort } = effect;
    const before = this.#inSum;
    const aggregate = this.remember(effect);
    this.#session = undefined;
    const ids = [...cohort].sort();
    const inSum = sum.survivors.map((x) => ids[x - 1] as HospitalId);
    const alone = before && loneDifference(before, inSum);
    const { ports } = this;
    ports.push('secagg-aggregate', aggregate);
    if (sum.figures !== null && round > 1) {
      ports.say({ event: 'federated-evaluation', run: this.#runId, round: round - 1, figures: sum.figures });
    }
    if (effect.secure?.lastly !== undefined) return;
    if (alone !== undefined) ports.say({ event: 'cohort-delta', run: this.#runId, round, hospital: alone });
    ports.say({
      event: 'round-done',
      run: this.#runId,
      round,
      seconds: (ports.clock.nowMs() - this.#startedMs) / 1_000,
      hospitals: inSum.map((id) => ({ id, trainExamples: null, loss: null })),
      missing: ids.filter((id) => !inSum.includes(id)),
      totals: { weight: sum.totalWeight, loss: sum.loss },
    });
  }

  /** @throws {@link ProtocolError} `ROUND_UNKNOWN`. */
  async past(round: number): Promise<{ plan: Opened<'secagg-plan'>; aggregate: Opened<'secagg-aggregate'> }> {
    const known = this.#past.get(round);
    const text = known && (await this.ports.store.document(this.#runId, known.planDigest));
    if (known === undefined || text === undefined) throw new ProtocolError('ROUND_UNKNOWN');
    return { plan: this.ports.open('secagg-plan', text), aggregate: known.aggregate };
  }

  /** Where the store has a blob that hospitals may read; undefined for one that this run did not publish. */
  nameOf(digest: string): string | undefined {
    return this.#published.get(digest);
  }

  forget(): void {
    this.#session = undefined;
  }

  get #runId() {
    return this.ports.config.body.runId;
  }
}

/** The one hospital that is in one of two sums alone: their difference shows about its update. */
function loneDifference(before: readonly HospitalId[], now: readonly HospitalId[]): HospitalId | undefined {
  const different = [...before.filter((id) => !now.includes(id)), ...now.filter((id) => !before.includes(id))];
  return different.length === 1 ? different[0] : undefined;
}

/** What hospitals do next, in the words of a progress line. */
const NEXT_WORD = {
  roster: 'sharing',
  deliver: 'masking',
  survivors: 'agreeing',
  'unmask-request': 'unmasking',
} as const;
