/**
 * A run under attack: honest hospitals `a` and `b` that hold their updates back until the test says so, the enrolled but
 * hostile `mallory`, and the head that must come out whatever mallory tried.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunFile } from '@consilium/coordinator';
import { openIdentity, pinnedCoordinator, type NodeOutcome } from '@consilium/hospital';
import { initialParameters } from '@consilium/model-spec';
import { convene, knownLearner, type Consortium } from './federation.js';
import { RawHospital, type RawCredentials } from './raw-hospital.js';

/** Of the linear head with 4 inputs and 3 classes that `convene` sets up. */
export const PARAMETERS = 15;

export interface Contribution {
  readonly examples: number;
  readonly update: Float32Array;
}

/** Differs by hospital, round and coordinate, and has no exact float32 sum. */
export const knownUpdate = (hospital: string, round: number): Float32Array =>
  Float32Array.from({ length: PARAMETERS }, (_, k) =>
    Math.fround(Math.sin(hospital.charCodeAt(0) * 100 + round * 10 + k) / 3),
  );

const EXAMPLES: Readonly<Record<string, number>> = { a: 7, b: 100 };

export const honest = (round: number): Contribution[] =>
  ['a', 'b'].map((name) => ({ examples: EXAMPLES[name] ?? NaN, update: knownUpdate(name, round) }));

/** FedAvg written out: float64 sums in hospital order, one rounding for each coordinate and round. */
export function averaged(rounds: readonly (readonly Contribution[])[]): Float32Array {
  const head = initialParameters({ kind: 'linear', inputs: 4, classes: 3 }, 'consilium');
  for (const contributions of rounds) {
    const total = contributions.reduce((sum, { examples }) => sum + examples, 0);
    for (let k = 0; k < head.length; k++) {
      let sum = 0;
      for (const { examples, update } of contributions) sum += examples * (update[k] ?? NaN);
      head[k] = (head[k] ?? NaN) + sum / total;
    }
  }
  return head;
}

/** Hospitals hold each round's update back until it is let go. */
class Gates {
  readonly #open = new Set<string>();
  letGo(hospital: string, round: number): void {
    this.#open.add(`${hospital}/${round}`);
  }
  async passed(hospital: string, round: number): Promise<void> {
    while (!this.#open.has(`${hospital}/${round}`)) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class Siege {
  readonly #gates = new Gates();
  #honest: Promise<NodeOutcome>[] = [];
  #mallory: RawHospital | undefined;

  private constructor(
    readonly consortium: Consortium,
    private readonly rounds: number,
  ) {}

  /** @param idle - enrolled hospitals that do not come by themselves; `mallory` is always one. */
  static async lay(changes: Partial<RunFile> = {}, idle: readonly string[] = []): Promise<Siege> {
    const settings = { rounds: 1, absenceGraceSeconds: 0.05, minHospitals: 2, ...changes };
    const consortium = await convene(['a', 'b', 'mallory', ...idle], settings);
    return new Siege(consortium, settings.rounds);
  }

  get url(): string {
    return this.consortium.coordinator.url;
  }

  async credentials(hospital: string): Promise<RawCredentials> {
    const home = this.consortium.homeOf(hospital);
    return { ...(await openIdentity(home)), coordinatorKey: await pinnedCoordinator(home) };
  }

  #startHonest(): void {
    this.#honest = Object.entries(EXAMPLES).map(([name, examples]) => {
      const learner = knownLearner(examples, (round) => knownUpdate(name, round));
      return this.consortium.join(name, {
        ...learner,
        train: async (config, model, round) => {
          await this.#gates.passed(name, round);
          return learner.train(config, model, round);
        },
      });
    });
    // Awaited at the end; a failure before that must not count as unhandled.
    for (const outcome of this.#honest) outcome.catch(() => undefined);
  }

  /** Honest hospitals at work and mallory among them, with a session and in the cohort of round 1. */
  async mallory(): Promise<RawHospital> {
    this.#mallory = await RawHospital.join(this.url, await this.credentials('mallory'));
    this.#startHonest();
    return this.#mallory;
  }

  letGo(round: number, ...hospitals: readonly string[]): void {
    for (const hospital of hospitals.length > 0 ? hospitals : ['a', 'b']) this.#gates.letGo(hospital, round);
  }

  /** Resolves when the coordinator has accepted that hospital's update. */
  async accepted(hospital: string, round: number): Promise<void> {
    const isIt = (step: (typeof this.consortium.progress)[number]): boolean =>
      step.event === 'update' && step.hospital === hospital && step.round === round;
    while (!this.consortium.progress.some(isIt)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Codes of everything that the coordinator refused, in order. */
  refusals(): string[] {
    return this.consortium.progress.flatMap((step) => (step.event === 'refused' ? [step.code] : []));
  }

  /** Who was lost on the way: connections of honest hospitals that ended before the run did. */
  honestLosses(): string[] {
    const end = this.consortium.progress.findIndex(({ event }) => event === 'ended');
    return this.consortium.progress
      .slice(0, end < 0 ? undefined : end)
      .flatMap((step) => (step.event === 'disconnected' && step.hospital in EXAMPLES ? [step.hospital] : []));
  }

  /** Mallory goes, the others finish, and nothing of the attack may show. @param rounds - what must have been averaged. */
  async expectUnharmed(rounds: readonly (readonly Contribution[])[] = [honest(1)]): Promise<void> {
    this.#mallory?.leave();
    for (let round = 1; round <= this.rounds; round++) this.letGo(round);
    expect(await this.consortium.conductor.ended).toMatchObject({ outcome: 'finished', reason: 'ALL_ROUNDS_DONE' });
    const expected = averaged(rounds);
    for (const outcome of await Promise.all(this.#honest)) {
      if (outcome.ended !== 'finished') throw new Error(`an honest hospital ended as ${outcome.ended}`);
      expect(outcome.model).toEqual(expected);
    }
    expect(this.honestLosses()).toEqual([]);
    const last = this.consortium.progress.findLast((step) => step.event === 'round-done');
    expect(last?.hospitals).toHaveLength(rounds.at(-1)?.length ?? NaN);
    // The heads are kept; updates are not, sealed as they are.
    const blobs = join(this.consortium.directory, 'coordinator', 'store', 'blobs');
    await expect.poll(() => readdir(blobs)).toHaveLength(this.rounds);
  }

  async lift(): Promise<void> {
    await this.consortium.dismantle();
  }
}
