/** All runs of the store as the operator sees and leads them, also those that ended long ago. */
import { verifyStrict, type Identity } from '@consilium/crypto';
import { openStatement, type Opened, type RunConfig } from '@consilium/protocol';
import { StoreError, type RunRow, type RunStore } from '@consilium/store';
import type { Conductor } from '../run/conductor.js';
import { rulesOf } from '../run/rules.js';
import { readBlob } from '../run/stored-blob.js';
import { modelName } from '../run/published-models.js';
import { ApiError } from './api-error.js';
import { readFigures } from './figures.js';
import { bestRoundOf, readHistory, type History } from './history.js';
import { readRefusals } from './refusals.js';
import { codeOf, isDeposing, mayPass } from '../run/store-troubles.js';
import { detailOf, summaryOf, unreadable, type KnownRun } from './run-view.js';
import type { EventPage, EventsQuery, ModelQuery, RunDetail, RunSummary } from '@consilium/operator-api';

export interface RegisterParts {
  readonly identity: Identity;
  readonly store: RunStore;
  /** Those that are led here: all that are open. */
  readonly runs: () => readonly Conductor[];
  /** A code: why a run is not led here though it has not ended. */
  readonly failureOf: (runId: string) => string | undefined;
  readonly begin: (config: RunConfig) => Promise<Conductor>;
}

export interface KeptModel {
  readonly config: RunConfig;
  readonly round: number;
  readonly model: Float32Array;
}

type Known = Omit<KnownRun, 'figures' | 'refusals'>;

/** Histories in memory; of other runs the log is read again. */
const HISTORIES_KEPT = 256;

export class RunRegister {
  readonly #configs = new Map<string, Opened<'run-config'>>();
  readonly #histories = new Map<string, History>();
  readonly #figures = new KeptReadings(readFigures);
  readonly #refusals = new KeptReadings(readRefusals);
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: RegisterParts) {}

  /** Newest first. */
  async list(): Promise<RunSummary[]> {
    const runs: RunSummary[] = [];
    for (const row of (await this.parts.store.runs()).toReversed()) runs.push(await this.#summary(row));
    return runs;
  }

  /** One run that cannot be read does not hide the others. */
  async #summary(row: RunRow): Promise<RunSummary> {
    try {
      return summaryOf(await this.#read(row));
    } catch (error) {
      if (isDeposing(error) || mayPass(error)) throw error;
      const config = await this.#configOf(row.runId).catch(() => undefined);
      return unreadable(row, config?.body, codeOf(error));
    }
  }

  /** @throws {@link StoreError} `RUN_UNKNOWN`. */
  async show(runId: string): Promise<RunDetail> {
    const known = await this.#find(runId);
    const { store } = this.parts;
    const { state, partings } = known.history;
    const evaluations = [...state.scores.values()].reduce((sum, { size }) => sum + size, 0);
    const figures = await this.#figures.of(store, runId, evaluations);
    const refusals = await this.#refusals.of(store, runId, partings);
    return detailOf({ ...known, figures, refusals }, Date.now());
  }

  /** @throws {@link ApiError} `RUN_EXISTS`, whatever the configuration of that run. */
  async start(config: RunConfig): Promise<RunDetail> {
    // One after the other: two requests with one name must not both find that it is free.
    const begun = this.#turn.then(async () => {
      const row = (await this.parts.store.runs()).find(({ runId }) => runId === config.runId);
      // One that nobody leads, and that was not changed, is taken up: its beginning may not have been answered.
      if (row !== undefined && (row.ended || this.#isLed(row.runId))) {
        throw new ApiError('RUN_EXISTS', 'there is a run of this name already; a run is never changed or repeated');
      }
      await this.parts.begin(config);
    });
    this.#turn = begun.catch(() => undefined);
    await begun;
    return this.show(config.runId);
  }

  #isLed(runId: string): boolean {
    return this.parts.runs().some((run) => run.runId === runId && run.failure === undefined);
  }

  /** Again is harmless. @throws {@link StoreError} `RUN_UNKNOWN`; {@link ApiError} `RUN_ENDED`. */
  async decide(runId: string, decision: 'pause' | 'resume' | 'abort'): Promise<RunDetail> {
    const conductor = this.parts.runs().find((run) => run.runId === runId);
    const row = await this.#rowOf(runId);
    if (!row.ended && !this.#isLed(runId)) {
      const code = this.parts.failureOf(runId) ?? 'unknown';
      throw new ApiError('NOT_LEADING', `this run cannot be led here (${code}): begin it again, or restart`);
    }
    if (conductor === undefined || conductor.state.phase === 'ended') {
      throw new ApiError('RUN_ENDED', 'this run has ended');
    }
    await conductor.accept({ type: decision === 'abort' ? 'stop' : decision });
    return this.show(runId);
  }

  /** @throws {@link StoreError} `RUN_UNKNOWN`. */
  async events(runId: string, { from, limit }: EventsQuery): Promise<EventPage> {
    await this.#rowOf(runId);
    const events: EventPage['events'] = [];
    for await (const { seq, at, event } of this.parts.store.events(runId, from)) {
      events.push({ seq, at, event: JSON.parse(event) as EventPage['events'][number]['event'] });
      if (events.length === limit) break;
    }
    return { events, next: from + events.length };
  }

  /** @throws {@link StoreError} `RUN_UNKNOWN`, `BLOB_UNKNOWN` when it was not kept; {@link ApiError} `MODEL_UNKNOWN`. */
  async model(runId: string, { round }: ModelQuery): Promise<KeptModel> {
    const { config, history } = await this.#find(runId);
    const best = bestRoundOf(rulesOf(config.body), history.state);
    const wanted = round === 'best' ? best : round === 'last' ? history.rounds.at(-1)?.round : round;
    const past = history.rounds.find((one) => one.round === wanted);
    if (past === undefined) throw new ApiError('MODEL_UNKNOWN', 'no round with this head has been averaged');
    const bytes = await readBlob(this.parts.store.blobs, runId, modelName(past.model));
    return { config: config.body, round: past.round, model: new Float32Array(bytes.buffer) };
  }

  /** @throws {@link StoreError} `RUN_UNKNOWN`. */
  async history(runId: string): Promise<{ readonly history: History; readonly bestRound: number | undefined }> {
    const { config, history } = await this.#find(runId);
    return { history, bestRound: bestRoundOf(rulesOf(config.body), history.state) };
  }

  async #find(runId: string): Promise<Known> {
    return this.#read(await this.#rowOf(runId));
  }

  async #rowOf(runId: string): Promise<RunRow> {
    const row = (await this.parts.store.runs()).find((one) => one.runId === runId);
    if (row === undefined) throw new StoreError('RUN_UNKNOWN', 'there is no such run');
    return row;
  }

  async #read({ runId, createdAt, events }: RunRow): Promise<Known> {
    const config = this.#configs.get(runId) ?? (await this.#configOf(runId));
    this.#configs.set(runId, config);
    const known = this.#histories.get(runId);
    const history =
      known !== undefined && known.events >= events
        ? known
        : await readHistory(this.parts.store, runId, rulesOf(config.body), known);
    this.#keep(runId, history);
    return {
      config,
      createdAt,
      history,
      failure: history.state.phase === 'ended' ? undefined : this.parts.failureOf(runId),
    };
  }

  async #configOf(runId: string): Promise<Opened<'run-config'>> {
    const text = await this.parts.store.config(runId);
    if (text === undefined) throw new StoreError('RUN_UNKNOWN', 'there is no such run');
    const { publicKey } = this.parts.identity;
    return openStatement('run-config', JSON.parse(text), (bytes, signature) =>
      verifyStrict(publicKey, bytes, signature),
    );
  }

  /** The least recently read ones go first. */
  #keep(runId: string, history: History): void {
    this.#histories.delete(runId);
    this.#histories.set(runId, history);
    for (const oldest of this.#histories.keys()) {
      if (this.#histories.size <= HISTORIES_KEPT) break;
      this.#histories.delete(oldest);
      this.#configs.delete(oldest);
      this.#figures.delete(oldest);
      this.#refusals.delete(oldest);
    }
  }
}

/** What is read out of the documents of a run: again when there may be more of them. */
class KeptReadings<T extends ReadonlyMap<unknown, unknown>> {
  readonly #kept = new Map<string, { readonly count: number; readonly value: T }>();

  constructor(private readonly read: (store: RunStore, runId: string) => Promise<T>) {}

  /** @param count - of the events that such documents come with; 0: there is none. */
  async of(store: RunStore, runId: string, count: number): Promise<T> {
    const kept = this.#kept.get(runId);
    if (kept?.count === count) return kept.value;
    const value = count === 0 ? (new Map() as unknown as T) : await this.read(store, runId);
    this.#kept.set(runId, { count, value });
    return value;
  }

  delete(runId: string): void {
    this.#kept.delete(runId);
  }
}
