/** What a seed stands for: a run, its hospitals, and how bad the world is to them until it is healed. */
import type { RunFile } from '@consilium/coordinator';
import type { SeededRandom } from '@consilium/tensors';

export interface Faults {
  /** For each message. */
  readonly lineLoss: number;
  readonly duplicate: number;
  /** For each call of the store: it fails, half of the time although it was done. */
  readonly storeFailure: number;
  /** For each write of the store, before or after it was done. */
  readonly storeCrash: number;
  /** For each write of a hospital's memory. */
  readonly memoryCrash: number;
}

export const NO_FAULTS: Faults = { lineLoss: 0, duplicate: 0, storeFailure: 0, storeCrash: 0, memoryCrash: 0 };

export type Blow =
  | 'coordinator-crash'
  | 'coordinator-freeze'
  /** Orderly: SIGTERM. */
  | 'coordinator-restart'
  | 'hospital-crash'
  | 'hospital-freeze'
  | 'partition'
  | 'store-outage'
  | 'pause'
  | 'stop';

export interface Scenario {
  readonly mode: 'secagg' | 'sealed';
  readonly hospitals: readonly string[];
  /** Of each hospital: its weight in the mean. */
  readonly examples: readonly number[];
  readonly file: Partial<RunFile>;
  readonly coordinators: 1 | 2;
  readonly largestTrainingMs: number;
  readonly latencyMs: number;
  readonly latenessMs: readonly number[];
  /** The world is healed from then on. */
  readonly faultsUntilMs: number;
  readonly faults: Faults;
  readonly blows: readonly { readonly atMs: number; readonly blow: Blow; readonly lastsMs: number }[];
  readonly skewedClocks: boolean;
}

const BLOWS: readonly Blow[] = [
  ...(['coordinator-crash', 'coordinator-crash', 'coordinator-freeze', 'coordinator-restart'] as const),
  ...(['hospital-crash', 'hospital-crash', 'hospital-crash', 'hospital-freeze'] as const),
  ...(['partition', 'partition', 'store-outage', 'pause'] as const),
];

/** @param random - of its own, so that the faults of a run do not depend on what happens in it. */
export function drawScenario(random: SeededRandom, mode: Scenario['mode']): Scenario {
  const one = <T>(items: readonly T[]): T => items[random.integer(items.length)] as T;
  const isSecure = mode === 'secagg';
  const count = isSecure ? one([3, 3, 4, 5]) : one([2, 2, 2, 3, 3, 3, 4, 4, 6]);
  const hospitals = Array.from({ length: count }, (_, i) => `hospital-${'abcdef'[i] ?? ''}`);
  const faultsUntilMs = one([0, 4_000, 10_000, 20_000, 40_000]);
  const level = faultsUntilMs === 0 ? 0 : one([0, 0.3, 1, 1, 2]);
  const blows = Array.from({ length: faultsUntilMs === 0 ? 0 : random.integer(7) }, () => ({
    atMs: random.uniform(0, faultsUntilMs),
    blow: random.uniform() < 0.02 ? ('stop' as const) : one(BLOWS),
    lastsMs: random.uniform(100, 9_000),
  }));
  const file: Partial<RunFile> = {
    rounds: one([1, 1, 2, 2, 3, 4]),
    minHospitals: isSecure ? 2 + random.integer(count - 1) : 1 + random.integer(count),
    ...(isSecure ? { secagg: { weightCap: 700, stageTimeoutSeconds: one([4, 10]) } } : {}),
    gatherTimeoutSeconds: one([4, 10, 20]),
    roundTimeoutSeconds: one([6, 15, 30]),
    absenceGraceSeconds: one([0.5, 2, 6]),
    selection: { metric: one(['balancedAccuracy', 'loss']), patienceRounds: one([0, 0, 0, 1, 2]) },
    // Rounding moves a sum a little, which the adaptive ones may make much of.
    server: isSecure ? { optimizer: 'fedavgm', learningRate: one([0.5, 1]), momentum: 0.5 } : server(one, random),
    ...(random.uniform() < 0.4
      ? { stragglers: { quorum: 1 + random.integer(count), afterSeconds: random.uniform(0.2, 4) } }
      : {}),
  };
  return {
    mode,
    hospitals,
    examples: hospitals.map(() => 1 + random.integer(1_000)),
    file,
    coordinators: one([1, 1, 2]),
    latencyMs: one([5, 30, 30, 300, 1_000]),
    largestTrainingMs: one([300, 2_000, 2_000, 9_000]),
    latenessMs: hospitals.map(() => one([0, 100, 1_000, 6_000])),
    faultsUntilMs,
    faults: {
      lineLoss: 0.02 * level * random.uniform(),
      duplicate: 0.1 * level * random.uniform(),
      storeFailure: 0.06 * level * random.uniform(),
      storeCrash: 0.01 * level * random.uniform(),
      memoryCrash: 0.03 * level * random.uniform(),
    },
    blows,
    skewedClocks: random.uniform() < 0.5,
  };
}

/** The same run with nothing in its way. */
export const calm = (scenario: Scenario): Scenario => ({
  ...scenario,
  coordinators: 1,
  faultsUntilMs: 0,
  faults: NO_FAULTS,
  blows: [],
  skewedClocks: false,
});

function server(one: <T>(items: readonly T[]) => T, random: SeededRandom): NonNullable<RunFile['server']> {
  const learningRate = one([0.1, 0.5, 1]);
  const adaptive = { learningRate, beta1: one([0, 0.9]), beta2: 0.99, tau: one([0.001, 0.1]) };
  switch (random.integer(6)) {
    case 0:
      return { optimizer: 'fedavgm', learningRate, momentum: 0.9 };
    case 1:
      return { optimizer: 'fedadagrad', learningRate, beta1: adaptive.beta1, tau: adaptive.tau };
    case 2:
      return { optimizer: 'fedadam', ...adaptive };
    case 3:
      return { optimizer: 'fedyogi', ...adaptive };
    default:
      return { optimizer: 'fedavg', learningRate };
  }
}
