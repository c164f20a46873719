/** One seed: a consortium of the real machines in one process, a bad world around it, and what must hold afterwards. */
import { isDeepStrictEqual } from 'node:util';
import { toHex } from '@consilium/bytes';
import { Office, runConfig, runFileSchema } from '@consilium/coordinator';
import type { NodeOutcome } from '@consilium/hospital';
import { initialParameters } from '@consilium/model-spec';
import { parseUnverified, type Digest, type HospitalId } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { pino } from 'pino';
import { MemoryDatabase } from '../../support/memory-store.js';
import { eventsOf, folded, violationsOf, type History } from './checks.js';
import { secureViolationsOf } from './checks-secure.js';
import { CoordinatorProcess, type CoordinatorWorld } from './coordinator-process.js';
import { emptyDisk, HospitalProcess, type HospitalDisk } from './hospital-process.js';
import { identities, seededRoundKey } from './keys.js';
import { BACKBONE, EMBEDDING_LENGTH, PREPROCESSING } from './known-learner.js';
import { calm, drawScenario, NO_FAULTS, type Blow, type Faults, type Scenario } from './scenario.js';
import { simulatedStore } from './simulated-store.js';
import { World } from './world.js';

export interface Simulated {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  /** How the run ended, in a few words. */
  readonly summary: string;
}

const RUN = 'simulated-run';
const EPOCH_MS = Date.UTC(2026, 0, 1);
const SLOWEST_CLOCK = 0.7;
/** While these last, the coordinator gets nothing done. */
const STILL: readonly Blow[] = ['coordinator-freeze', 'store-outage'];
const DERIVED = ['roster', 'deliver', 'survivors', 'unmask-request'];

/** Of a seed: every third is led under secure aggregation. */
const modeOf = (seed: number): Scenario['mode'] => (seed % 3 === 0 ? 'secagg' : 'sealed');

/** Everything that lives for the length of one seed. */
class Simulation {
  readonly world: World;
  readonly database: MemoryDatabase;
  readonly keys = identities();
  readonly config;
  readonly coordinators: CoordinatorProcess[] = [];
  readonly hospitals = new Map<HospitalId, HospitalProcess>();
  readonly outcomes = new Map<HospitalId, NodeOutcome>();
  readonly #disks = new Map<HospitalId, HospitalDisk>();
  readonly #cutOff = new Map<string, number>();
  readonly #history: {
    acknowledged: { hospitalId: HospitalId; blobDigest: Digest }[];
    consents: Set<HospitalId>;
    offered: Map<string, Set<Digest>>;
    trainings: Map<string, number>;
    kept: Map<number, Float32Array>;
  } = { acknowledged: [], consents: new Set(), offered: new Map(), trainings: new Map(), kept: new Map() };
  #outageUntilMs = 0;
  #lives = 0;

  constructor(
    seed: number,
    private readonly scenario: Scenario,
  ) {
    this.world = new World(seed);
    this.database = new MemoryDatabase(() => EPOCH_MS + this.world.nowMs);
    const file = runFileSchema.parse({
      run: RUN,
      study: { name: 'simulation', labels: ['normal', 'pneumonia'] },
      mode: scenario.mode,
      head: { kind: 'linear' },
      ...{ embeddingLength: EMBEDDING_LENGTH, backbone: BACKBONE, preprocessing: PREPROCESSING },
      seed: String(seed),
      ...scenario.file,
    });
    this.config = runConfig(
      file,
      scenario.hospitals.map((hospitalId, i) => ({
        v: 1,
        hospitalId: hospitalId as HospitalId,
        identityKey: toHex(this.keys.hospital(i).publicKey),
      })),
    );
  }

  get #faults(): Faults {
    return this.world.nowMs < this.scenario.faultsUntilMs ? this.scenario.faults : NO_FAULTS;
  }

  get #isOver(): boolean {
    return [...this.#disks.values()].every(({ isDone }) => isDone) && this.#disks.size === this.config.roster.length;
  }

  /** @returns Whether everything came to its end in time. */
  async play(): Promise<boolean> {
    const { world, scenario, config } = this;
    for (let slot = 0; slot < scenario.coordinators; slot++) this.#startCoordinator(`coordinator-${slot}`);
    config.roster.forEach(({ hospitalId }, i) => {
      this.#disks.set(hospitalId, emptyDisk());
      world.after(world.nature, scenario.latenessMs[i] ?? 0, () => {
        this.#startHospital(hospitalId);
      });
    });
    for (const { atMs, blow, lastsMs } of scenario.blows) {
      world.after(world.nature, atMs, () => {
        this.#strike(blow, lastsMs);
      });
    }
    world.after(world.nature, scenario.faultsUntilMs, () => {
      this.#heal();
    });
    const { rounds, gatherTimeoutMs, roundTimeoutMs } = config;
    const attempts = config.secagg === undefined ? 1 : 3;
    const stagesMs = 4 * (config.secagg?.stageTimeoutMs ?? 0);
    const worstMs =
      (attempts * (rounds + 1) * (2 * gatherTimeoutMs + roundTimeoutMs + stagesMs)) / SLOWEST_CLOCK + 120_000;
    const isInTime = await world.run(scenario.faultsUntilMs + worstMs, () => this.#isOver);
    // Time for what is tidied up afterwards.
    await world.run(world.nowMs + 15_000, () => false);
    return isInTime;
  }

  async check(isInTime: boolean): Promise<void> {
    const { world, config, database, outcomes } = this;
    const { blows, faults, faultsUntilMs, skewedClocks } = this.scenario;
    const history: History = {
      ...{ config, database, outcomes, ...this.#history },
      initial: initialParameters(config.head, config.seed),
      stillnesses: blows
        .filter(({ blow }) => STILL.includes(blow))
        .map(({ atMs, lastsMs }) => ({
          fromMs: EPOCH_MS + atMs,
          untilMs: EPOCH_MS + Math.min(atMs + lastsMs, faultsUntilMs),
        })),
      storeFailsUntilMs:
        faults.storeFailure > 0 || blows.some(({ blow }) => STILL.includes(blow)) ? EPOCH_MS + faultsUntilMs : 0,
      slowestClock: skewedClocks ? SLOWEST_CLOCK : 1,
    };
    if (!isInTime) world.violated('the run and its hospitals did not come to an end');
    for (const coordinator of this.coordinators) this.#compareWithLog(coordinator);
    const claims =
      config.mode === 'secagg' ? secureViolationsOf(history, this.scenario.examples) : violationsOf(history);
    for (const claim of claims) world.violated(claim);
    await this.#replay().catch((error: unknown) => {
      world.violated(`a replay fails: ${error instanceof Error ? error.message : 'with no error'}`);
    });
  }

  get summary(): string {
    const events = eventsOf(this);
    const state = folded(this.config, events);
    const restarts = events.filter(({ type }) => type === 'restarted').length;
    const end = state.phase === 'ended' ? `${state.outcome} ${state.reason} after ${state.rounds}` : state.phase;
    return `${end} of ${this.config.rounds} rounds, ${this.config.roster.length} hospitals, ${events.length} events, ${restarts} lives, ${Math.round(this.world.nowMs / 1_000)} s`;
  }

  /** The head after each round, and whose updates it holds. */
  get heads(): readonly string[] {
    return eventsOf(this).flatMap((event) => (event.type === 'aggregated' ? [event.model] : []));
  }

  get everyoneCounted(): boolean {
    const events = eventsOf(this);
    const plans = events.filter(({ type }) => type === 'aggregated').length;
    const counted = events.filter(({ type }) => type === 'update-accepted').length;
    const { rounds, roster } = this.config;
    return plans === rounds && counted === rounds * roster.length;
  }

  #startCoordinator(slot: string): void {
    const { world, scenario, database, keys, config } = this;
    const rate = scenario.skewedClocks ? world.random.uniform(SLOWEST_CLOCK, 1.4) : 1;
    const parts: CoordinatorWorld = {
      ...{ world, config, identity: keys.coordinator },
      keyOf: (id) => config.roster.find(({ hospitalId }) => hospitalId === id)?.identityKey,
      makeRoundKey: () => seededRoundKey(world.random),
      storeFor: (actor, crash) =>
        simulatedStore(
          { world, database, faults: () => this.#faults, outageUntilMs: () => this.#outageUntilMs },
          actor,
          crash,
        ),
      observe: {
        answered: (hospital, name, request, answer) => {
          if (hospital === undefined || !answer.ok) return;
          // A run that is over takes note of nobody any more.
          if (name === 'consent' && database.runs.get(RUN)?.ended === false) this.#history.consents.add(hospital);
          if (name !== 'update.commit') return;
          const { digest } = request as { digest: Digest };
          const log = database.runs.get(RUN)?.events ?? [];
          if (!log.some(({ event }) => event.includes(`igest":"${digest}"`))) {
            world.violated(`an update of ${hospital} was acknowledged before it was in the log`);
          }
          this.#history.acknowledged.push({ hospitalId: hospital, blobDigest: digest });
        },
        pushed: ({ name, envelope }) => {
          world.note(world.nature, `push ${name}`);
          const stored = database.runs.get(RUN);
          // What closes a stage follows from the words in the log, to the byte.
          if (DERIVED.includes(name)) return;
          const text = JSON.stringify(envelope);
          const isDurable =
            stored?.config === text || [...(stored?.documents.values() ?? [])].some(({ body }) => body === text);
          if (!isDurable) world.violated(`a ${name} was announced before it was durable`);
        },
        kept: (round, model) => {
          this.#history.kept.set(round, model.slice());
        },
      },
      gone: (process, wasKilled) => {
        this.#compareWithLog(process);
        for (const line of process.lines) line.lose();
        // With another coordinator the store is another machine, and keeps its power.
        if (wasKilled && scenario.coordinators === 1 && world.chance(0.5))
          database.losePower(() => world.random.uniform());
        world.after(world.nature, world.delay(1_500, 8_000), () => {
          this.coordinators.splice(this.coordinators.indexOf(process), 1);
          this.#startCoordinator(slot);
        });
      },
    };
    this.coordinators.push(new CoordinatorProcess(parts, slot, this.#lives++, rate));
  }

  /** What a process believes is what its part of the log says, whenever it ends. */
  #compareWithLog({ actor, conductor }: CoordinatorProcess): void {
    if (conductor === undefined) return;
    const expected = folded(this.config, eventsOf(this).slice(0, conductor.events));
    if (!isDeepStrictEqual(conductor.state, expected)) {
      this.world.violated(`${actor.name} is not in the state of its log`);
    }
  }

  #startHospital(hospitalId: HospitalId): void {
    const { world, config, keys, scenario } = this;
    const place = config.roster.findIndex((one) => one.hospitalId === hospitalId);
    const disk = this.#disks.get(hospitalId);
    if (disk === undefined) throw new Error('a hospital without a disk');
    const { trainings, offered } = this.#history;
    const hospital = new HospitalProcess(
      {
        world,
        faults: () => this.#faults,
        coordinatorKey: keys.coordinator.publicKey,
        network: {
          world,
          faults: () => this.#faults,
          listeners: () => this.coordinators.filter(({ isListening }) => isListening),
          latencyMs: scenario.latencyMs,
          isCutOff: (name) => (this.#cutOff.get(name) ?? 0) > world.nowMs,
        },
        asked: (from, name, request) => {
          if (name !== 'update.offer') return;
          const { statement } = request as { statement: Parameters<typeof parseUnverified>[1] };
          const kind = scenario.mode === 'secagg' ? 'masked' : 'update';
          const { round, attempt, blobDigest } = parseUnverified(kind, statement).body;
          const key = `${from} in round ${round}, attempt ${attempt}`;
          offered.set(key, (offered.get(key) ?? new Set()).add(blobDigest));
        },
        gone: () => {
          world.after(world.nature, world.delay(1_500, 8_000), () => {
            if (!disk.isDone) this.#startHospital(hospitalId);
          });
        },
        ended: ({ actor }, outcome) => {
          world.note(actor, `ends: ${outcome.ended}`);
          this.outcomes.set(hospitalId, outcome);
        },
      },
      ...([hospitalId, keys.hospital(place), disk, config.runId] as const),
      {
        hospital: place,
        examples: scenario.examples[place] ?? 1,
        largestTrainingMs: scenario.largestTrainingMs,
        trained: (round) => {
          const key = `${hospitalId} in round ${round}`;
          trainings.set(key, (trainings.get(key) ?? 0) + 1);
        },
      },
    );
    this.hospitals.set(hospitalId, hospital);
  }

  #strike(blow: Blow, lastsMs: number): void {
    const { world } = this;
    if (this.#isOver) return;
    const until = Math.min(world.nowMs + lastsMs, this.scenario.faultsUntilMs);
    const coordinator = this.#any(this.coordinators);
    const hospital = this.#any([...this.hospitals.values()]);
    world.note(world.nature, `strikes: ${blow}`);
    switch (blow) {
      case 'coordinator-crash':
        coordinator?.crash('by a blow');
        return;
      case 'coordinator-restart':
        coordinator?.close();
        return;
      case 'coordinator-freeze':
        if (coordinator !== undefined) coordinator.actor.frozenUntilMs = until;
        return;
      case 'hospital-crash':
        hospital?.crash('by a blow');
        return;
      case 'hospital-freeze':
        if (hospital !== undefined) hospital.actor.frozenUntilMs = until;
        return;
      case 'partition':
        for (const name of this.scenario.hospitals) if (world.chance(0.5)) this.#cutOff.set(name, until);
        return;
      case 'store-outage':
        this.#outageUntilMs = until;
        return;
      case 'pause':
        this.#order('pause');
        world.after(world.nature, until - world.nowMs, () => {
          this.#order('resume');
        });
        return;
      case 'stop':
        this.#order('stop');
    }
  }

  /** An operator at whichever coordinator listens; an order that a crash swallows was not given. */
  #order(type: 'pause' | 'resume' | 'stop'): void {
    const conductor = this.#any(this.coordinators.filter(({ isListening }) => isListening))?.conductor;
    conductor?.accept({ type }).catch(() => false);
  }

  #any<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[this.world.random.integer(items.length)];
  }

  /** Nobody leaves a run paused for ever: from here on it is resumed until it goes on. */
  #heal(): void {
    if (this.#isOver) return;
    this.#order('resume');
    this.world.after(this.world.nature, 2_000, () => {
      this.#heal();
    });
  }

  /** Another process reads the log: it must arrive at the same state, and at the same words for the hospitals. */
  async #replay(): Promise<void> {
    const store = this.database.open();
    const lease = await store.acquireLease(this.database.lease?.holder ?? '', 1);
    const { world, keys } = this;
    if (lease === undefined) throw new Error('the holder of a lease may always have it again');
    const office = await Office.open({
      ...{ identity: keys.coordinator, store, lease: () => lease, log: pino({ enabled: false }) },
      clock: { nowMs: () => 0, after: () => () => undefined, sleep: () => Promise.resolve() },
      makeRoundKey: () => seededRoundKey(world.random),
      push: () => {
        world.violated('the replay of an ended run says something');
      },
      keepModel: () => Promise.resolve(),
      progress: () => undefined,
      deposed: () => undefined,
    });
    const [replayed] = office.runs;
    const live = this.coordinators.find(({ isListening }) => isListening)?.conductor;
    if (replayed === undefined || live === undefined) world.violated('there is nothing to compare a replay with');
    else if (!isDeepStrictEqual(replayed.state, live.state)) world.violated('a replay arrives at another state');
    else if (!isDeepStrictEqual(replayed.current(), live.current())) world.violated('a replay says other words');
  }
}

async function played(seed: number, scenario: Scenario): Promise<Simulation> {
  const simulation = new Simulation(seed, scenario);
  await simulation.check(await simulation.play());
  return simulation;
}

/** @param seed - every whole number is a history of its own, and always the same one. */
export async function simulate(seed: number): Promise<Simulated> {
  const scenario = drawScenario(new SeededRandom(`scenario/${seed}`), modeOf(seed));
  const simulation = await played(seed, scenario);
  const { world, summary } = simulation;
  // Masked sums are rounded at random: two runs of one are not equal to the bit.
  if (seed % 4 === 0 && scenario.mode === 'sealed' && simulation.everyoneCounted) {
    const twin = await played(seed, calm(scenario));
    if (twin.everyoneCounted && !isDeepStrictEqual(twin.heads, simulation.heads)) {
      world.violated('the same run without faults ends with another head');
    }
  }
  return { seed, summary, violations: world.violations, trace: world.trace };
}
