/** All runs of this coordinator: those under way, and those that ended lately, whose hospitals may not know it yet. */
import { signBytes } from '@consilium/crypto';
import { ProtocolError, signStatement, type RunConfig, type RunId } from '@consilium/protocol';
import { StoreError } from '@consilium/store';
import { Conductor, type ConductorPorts } from './conductor.js';
import { codeOf, isDeposing, mayPass } from './store-troubles.js';

/** A hospital of a roster: its name, and its public key in hex. */
export type Member = RunConfig['roster'][number];

/** A hospital that was away for longer than this many runs has missed their ends, and loses nothing by it. */
const ENDED_RUNS_KEPT = 8;
/** Somebody waits for a run to begin. */
const CREATE_RETRY_MS = [50, 200, 500, 1_000];

export class Office {
  readonly #runs = new Map<RunId, Conductor>();
  /** In the order of their ends, the newest last: older ones are in the store alone. */
  readonly #ended: RunId[] = [];
  /** Codes of those that could not be taken up. */
  readonly #failures = new Map<string, string>();

  private constructor(private readonly ports: ConductorPorts) {}

  /** Takes up every run that has not ended. One that cannot be taken up does not keep the others from going on. */
  static async open(ports: ConductorPorts): Promise<Office> {
    const office = new Office(ports);
    const rows = await ports.store.runs();
    const kept = new Set(rows.filter(({ ended }) => ended).slice(-ENDED_RUNS_KEPT));
    for (const row of rows) {
      if (!row.ended || kept.has(row)) await office.#takeUpAlone(row.runId as RunId);
    }
    return office;
  }

  get runs(): readonly Conductor[] {
    return [...this.#runs.values()];
  }

  /** A code: why a run of the store is not led here though it has not ended; undefined if nothing is known to be wrong. */
  failureOf(runId: string): string | undefined {
    return this.#runs.get(runId as RunId)?.failure ?? this.#failures.get(runId);
  }

  /** @throws {@link ProtocolError} `RUN_UNKNOWN`. */
  find(runId: string): Conductor {
    const conductor = this.#runs.get(runId as RunId);
    if (conductor === undefined) throw new ProtocolError('RUN_UNKNOWN');
    return conductor;
  }

  /** Those whose roster has the hospital with this very key, oldest first: a run knows the keys that were signed with it. */
  of({ hospitalId, identityKey }: Member): Conductor[] {
    return this.runs.filter(({ config }) =>
      config.body.roster.some((one) => one.hospitalId === hospitalId && one.identityKey === identityKey),
    );
  }

  /**
   * Begins a run, or goes on with it if it is here, or in the store and led by nobody, and was not changed.
   *
   * @param present - who has a session, asked when the run is there.
   * @throws StoreError `RUN_EXISTS` if a run of that name has another configuration.
   */
  async begin(config: RunConfig, present: () => readonly Member[]): Promise<Conductor> {
    const signed = signStatement('run-config', config, 'coordinator', (bytes) => signBytes(this.ports.identity, bytes));
    const known = this.#runs.get(config.runId);
    if (known !== undefined && known.config.digest !== signed.digest) {
      throw new StoreError('RUN_EXISTS', 'a run of this name has another configuration');
    }
    if (known !== undefined && known.failure === undefined) return known;
    try {
      await this.#store(config.runId, JSON.stringify(signed.envelope));
      await this.#takeUp(config.runId);
    } catch (error) {
      // It may be in the store by now.
      if (!(error instanceof StoreError && error.code === 'RUN_EXISTS')) {
        this.#failures.set(config.runId, codeOf(error));
      }
      throw error;
    }
    const conductor = this.find(config.runId);
    this.ports.push(conductor, { name: 'run-config', envelope: signed.envelope });
    for (const member of present()) {
      if (this.of(member).includes(conductor)) {
        await conductor.accept({ type: 'connected', hospitalId: member.hospitalId });
      }
    }
    return conductor;
  }

  /** Nothing more is decided here; the store keeps everything for whoever leads next. */
  park(): void {
    const error = new StoreError('LEASE_LOST', 'this coordinator is closing');
    for (const conductor of this.#runs.values()) conductor.park(error);
  }

  /** Resolves when the store has a run of this name and configuration. @throws StoreError `RUN_EXISTS` as {@link begin}. */
  async #store(runId: RunId, config: string): Promise<void> {
    const { store, lease, clock } = this.ports;
    // Always the same: a call whose answer was lost is recognised when it is repeated.
    const run = { runId, config, createdAt: new Date().toISOString() };
    for (let attempt = 0; ; attempt++) {
      try {
        await store.createRun(lease(), run);
        return;
      } catch (error) {
        const exists = error instanceof StoreError && error.code === 'RUN_EXISTS';
        if (exists && (await store.config(runId)) === config) return;
        const retryMs = CREATE_RETRY_MS[attempt];
        if (!mayPass(error) || retryMs === undefined) throw error;
        await clock.sleep(retryMs);
      }
    }
  }

  async #takeUpAlone(runId: RunId): Promise<void> {
    try {
      await this.#takeUp(runId);
    } catch (error) {
      if (isDeposing(error) || mayPass(error)) throw error;
      this.#failures.set(runId, codeOf(error));
      this.ports.log.error({ err: error, run: runId }, 'a run could not be taken up; others are');
      this.ports.progress({ event: 'run-failed', run: runId, code: codeOf(error) });
    }
  }

  async #takeUp(runId: RunId): Promise<void> {
    const conductor = await Conductor.takeUp(this.ports, runId);
    this.#runs.set(runId, conductor);
    this.#failures.delete(runId);
    if (conductor.events > 1) {
      this.ports.progress({ event: 'run-taken-up', run: runId, events: conductor.events });
    }
    conductor.ended.then(
      () => {
        this.#letGo(runId);
      },
      () => undefined,
    );
  }

  /** Of the runs that have ended, all but the newest: each holds its heads. */
  #letGo(ended: RunId): void {
    this.#ended.push(ended);
    const surplus = this.#ended.length - ENDED_RUNS_KEPT;
    for (const runId of this.#ended.splice(0, Math.max(0, surplus))) this.#runs.delete(runId);
  }
}
