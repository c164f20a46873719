/**
 * A run of the mode secagg at a real coordinator: honest hospitals with known updates, one that the test plays by hand, and
 * the head that must come out. The coordinator's own log is kept, for what it says of culprits and what it must not say.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect } from 'vitest';
import type { RunFile } from '@consilium/coordinator';
import {
  FolderMemory,
  openIdentity,
  pinnedCoordinator,
  type HospitalNode,
  type Learner,
  type NodeOptions,
  type NodeOutcome,
  type RunMemory,
} from '@consilium/hospital';
import { expectedHead } from './expected-head.js';
import { convene, knownLearner, type Consortium } from './federation.js';
import { HostileHospital } from './hostile-hospital.js';
import { afterRecord, PARAMETERS, partOf, type Said } from './secure-part.js';
import { until } from './until.js';

/** Small, so that the step of the ring is: an exact sum differs from the mean by less than 1e-6. */
const [CLIP_NORM, WEIGHT_CAP] = [2, 200];
const TOLERANCE = 1e-6;

export class SecureSiege {
  readonly nodes = new Map<string, HospitalNode>();
  readonly outcomes = new Map<string, NodeOutcome>();
  /** Of nodes that ended with an error of their own. */
  readonly failures = new Map<string, unknown>();
  readonly hostile = new Map<string, HostileHospital>();

  private constructor(
    readonly consortium: Consortium,
    readonly log: string[],
  ) {}

  static async lay(hospitals: readonly string[], changes: Partial<RunFile> = {}): Promise<SecureSiege> {
    const log: string[] = [];
    const stream = { write: (line: string) => void log.push(line) };
    const consortium = await convene(
      hospitals,
      {
        ...{ mode: 'secagg', rounds: 1, minHospitals: 3, absenceGraceSeconds: 0.05, clipNorm: CLIP_NORM },
        secagg: { weightCap: WEIGHT_CAP, stageTimeoutSeconds: 40 },
        ...changes,
      },
      pino({ level: 'trace' }, stream),
    );
    return new SecureSiege(consortium, log);
  }

  memoryOf(hospital: string): RunMemory {
    return new FolderMemory(this.consortium.homeOf(hospital));
  }

  async start(hospital: string, options: Partial<NodeOptions> = {}): Promise<void> {
    const node = await this.consortium.node(hospital, this.learnerOf(hospital), { modes: ['secagg'], ...options });
    this.nodes.set(hospital, node);
    node.run().then(
      (outcome) => this.outcomes.set(hospital, outcome),
      (error: unknown) => this.failures.set(hospital, error),
    );
  }

  learnerOf(hospital: string, changes: { readonly update?: Float32Array } = {}): Learner {
    const { examples, update } = partOf(hospital);
    return knownLearner(examples, (round) => changes.update ?? update(round));
  }

  /** Goes away between the record of that word and its sending, as in a crash, and does not come back. */
  async startMortal(hospital: string, said: Said): Promise<void> {
    const memory = afterRecord(this.memoryOf(hospital), said, () => {
      this.nodes.get(hospital)?.close();
      return new Promise(() => undefined);
    });
    await this.start(hospital, { memory });
  }

  async play(hospital: string): Promise<HostileHospital> {
    const home = this.consortium.homeOf(hospital);
    const credentials = { ...(await openIdentity(home)), coordinatorKey: await pinnedCoordinator(home) };
    const played = await HostileHospital.join(this.consortium.coordinator.url, credentials, partOf(hospital));
    this.hostile.set(hospital, played);
    return played;
  }

  get state() {
    return this.consortium.conductor.state;
  }

  /** Hospitals whose vectors are in each round's sum. */
  get summed(): readonly (readonly string[])[] {
    return this.consortium.progress.flatMap((step) =>
      step.event === 'round-done' ? [step.hospitals.map(({ id }) => id as string)] : [],
    );
  }

  /** Codes of what the coordinator refused of one hospital, in order. */
  refusalsOf(hospital: string): string[] {
    return this.consortium.progress.flatMap((step) =>
      step.event === 'refused' && step.hospital === hospital ? [step.code] : [],
    );
  }

  /** The run finishes, and the heads of these hospitals are the mean of those in each round's sum. */
  async expectExact(rounds: readonly (readonly string[])[], witnesses: readonly string[]): Promise<void> {
    for (const played of this.hostile.values()) played.leave();
    expect(await this.consortium.conductor.ended).toMatchObject({ outcome: 'finished', reason: 'ALL_ROUNDS_DONE' });
    expect(this.summed).toEqual(rounds);
    const spec = { kind: 'linear', inputs: 4, classes: 3 } as const;
    const expected = expectedHead(
      spec,
      rounds.map((names) => names.map(partOf)),
    );
    await until(() => witnesses.every((name) => this.outcomes.has(name)));
    for (const name of witnesses) {
      const outcome = this.outcomes.get(name);
      if (outcome?.ended !== 'finished') throw new Error(`${name} ended as ${JSON.stringify(outcome)}`);
      const model = outcome.model ?? new Float32Array(0);
      expect(model).toHaveLength(PARAMETERS);
      const worst = Math.max(...model.map((value, k) => Math.abs(value - (expected[k] ?? NaN))));
      expect(worst).toBeLessThan(TOLERANCE);
    }
  }

  /** The run ends without a head. @param accused - who is named in the coordinator's log and event log. */
  async expectAborted(reason: string, accused?: string): Promise<void> {
    expect(await this.consortium.conductor.ended).toMatchObject({ outcome: 'aborted', reason });
    expect(this.summed).toEqual([]);
    const named = (await this.everything()).filter((text) => text.includes(`"accused":"${accused ?? ''}"`));
    if (accused !== undefined) expect(named.length).toBeGreaterThan(0);
    expect(this.log.filter((line) => accused !== undefined && line.includes(`"accused":"${accused}"`))).toHaveLength(
      accused === undefined ? 0 : 1,
    );
  }

  /** Every file that the coordinator has, as latin1. */
  async everything(): Promise<string[]> {
    const folder = join(this.consortium.directory, 'coordinator');
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return Promise.all(files.map((file) => readFile(file, 'latin1')));
  }

  async lift(): Promise<void> {
    for (const played of this.hostile.values()) played.leave();
    for (const node of this.nodes.values()) await node.stop();
    await this.consortium.dismantle();
  }
}
