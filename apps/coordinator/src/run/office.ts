/** All runs of this coordinator: those under way, and those that ended lately, whose hospitals may not know it yet. */
import { signBytes } from '@consilium/crypto';
import { ProtocolError, signStatement, type RunConfig, type RunId } from '@consilium/protocol';
import { StoreError } from '@consilium/store';
import { Conductor, type ConductorPorts } from './conductor.js';

/** A hospital of a roster: its name, and its public key in hex. */
export type Member = RunConfig['roster'][number];

/** A hospital that was away for longer than this many runs has missed their ends, and loses nothing by it. */
const ENDED_RUNS_KEPT = 8;

export class Office {
  readonly #runs = new Map<RunId, Conductor>();

  private constructor(private readonly ports: ConductorPorts) {}

  /** Takes up every run that has not ended. */
  static async open(ports: ConductorPorts): Promise<Office> {
    const office = new Office(ports);
    const rows = await ports.store.runs();
    const kept = new Set(rows.filter(({ ended }) => ended).slice(-ENDED_RUNS_KEPT));
    for (const row of rows) {
      if (!row.ended || kept.has(row)) await office.#takeUp(row.runId as RunId);
    }
    return office;
  }

  get runs(): readonly Conductor[] {
    return [...this.#runs.values()];
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
   * Begins a run, or goes on with it if it is here and was not changed.
   *
   * @param present - who has a session, asked when the run is there.
   * @throws StoreError `RUN_EXISTS` if a run of that name has another configuration.
   */
  async begin(config: RunConfig, present: () => readonly Member[]): Promise<Conductor> {
    const { store, identity, lease } = this.ports;
    const signed = signStatement('run-config', config, 'coordinator', (bytes) => signBytes(identity, bytes));
    const known = this.#runs.get(config.runId);
    if (known !== undefined && known.config.digest === signed.digest) return known;
    if (known !== undefined) throw new StoreError('RUN_EXISTS', 'a run of this name has another configuration');
    await store.createRun(lease(), {
      runId: config.runId,
      config: JSON.stringify(signed.envelope),
      createdAt: new Date().toISOString(),
    });
    const conductor = await this.#takeUp(config.runId);
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

  async #takeUp(runId: RunId): Promise<Conductor> {
    const conductor = await Conductor.takeUp(this.ports, runId);
    this.#runs.set(runId, conductor);
    if (conductor.events > 1) {
      this.ports.progress({ event: 'run-taken-up', run: runId, events: conductor.events });
    }
    return conductor;
  }
}
