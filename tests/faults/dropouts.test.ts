/**
 * Claims: (1) when 10 to 50 % of ten hospitals go at any one stage of a round, killed or stopped with their line open, the
 * run finishes with the others at the latest by its deadlines, names the missing, and its head is the exact mean of those who
 * were counted; in secure runs the same for up to two of six, at each of the five words; (2) a wall clock that jumps by a day forwards and
 * back in the middle of a run changes nothing, not a byte of the head and no hospital's presence; (3) a database that is
 * killed in the middle of a round, while one update is there and half of another, and comes back after some seconds, costs
 * that time and nothing else.
 * Oracle: FedAvg in float64 over the hospitals that `round-done` names. A failure names the stage and the seed.
 *
 * By default one share and one signal for each stage and 5 s without the database; all, and 30 s, with CONSILIUM_FAULTS=all.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import {
  openCoordinator,
  openHome,
  enrolledHospitals,
  readRunFile,
  runConfig,
  type Progress,
  type RunFile,
} from '@consilium/coordinator';
import { SeededRandom } from '@consilium/tensors';
import { afterEach, describe, expect, it } from 'vitest';
import { expectedHead } from '../support/expected-head.js';
import { knownLearner } from '../support/federation.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { tappedNetwork } from '../support/tapped-network.js';
import { until } from '../support/until.js';
import { Child } from './child.js';
import { Scene } from './scene.js';
import { bytesOf, LARGE, LARGE_RUN, partOf, setStage, SPEC, type Stage } from './stage.js';

const all = process.env['CONSILIUM_FAULTS'] === 'all';
const TEN = Array.from({ length: 10 }, (_, k) => `h${k}`);
const STAGES = ['ready', 'training', 'sending', 'waiting', 'evaluating'] as const;
const SIX = TEN.slice(0, 6);
/** The words of a secure attempt, in order. */
const WORDS = ['adverted', 'dealt', 'masked', 'agreed', 'unmasked'] as const;
/** The others are ready long before, also on a machine that is busy. */
const DEADLINE_S = 12;
/** The step of the ring for these bounds is so small that an exact sum differs from the mean by less. */
const TOLERANCE = 1e-6;
/** Of eight. */
const CHUNKS_BEFORE = 3;

let stage: Stage | undefined;
const children: Child[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill();
    await child.ended;
  }
  await stage?.clear();
  stage = undefined;
});

const roundsOf = (progress: readonly Progress[]) => progress.filter((step) => step.event === 'round-done');

type Rounds = readonly Extract<Progress, { event: 'round-done' }>[];

const expectedOf = (rounds: Rounds, names: readonly string[], spec: typeof SPEC | typeof LARGE = SPEC): string =>
  bytesOf(
    expectedHead(
      spec,
      rounds.map(({ hospitals }) => hospitals.map(({ id }) => partOf(names.indexOf(id), spec))),
    ),
  );

/** How a process is gone: its line with it, or its line stays open and nothing comes over it any more. */
const SIGNALS = ['SIGKILL', 'SIGSTOP'] as const;
type Signal = (typeof SIGNALS)[number];

/** Those of `leaving` are processes of their own, which go at that moment; the others are here. */
async function play(
  names: readonly string[],
  changes: Partial<RunFile>,
  [signal, moment, leaving]: readonly [Signal, string, ReadonlySet<string>],
  check: (coordinator: Child, heads: readonly (Float32Array | undefined)[]) => void,
): Promise<void> {
  await Scene.play(names, changes, async (scene) => {
    const here = scene.stage;
    const mode = changes.mode ?? 'sealed';
    const coordinator = scene.started(Child.dyingCoordinator(here, 'never'));
    const gone = names.flatMap((name, k) =>
      leaving.has(name) ? [scene.started(Child.dyingHospital(here, k, `${signal}@${moment}`, { mode }))] : [],
    );
    const outcomes = names.flatMap((name, k) => {
      if (leaving.has(name)) return [];
      const { examples, update } = partOf(k);
      // A moment for each training, so that leaving while it lasts is possible.
      const slow = async (round: number): Promise<Float32Array> => {
        await setTimeout(50);
        return update(round);
      };
      return [here.node(k, { learner: knownLearner(examples, slow) }).then((node) => node.run())];
    });
    const ended = await Promise.all(outcomes);
    expect(await coordinator.ended).toMatchObject({ status: 0, stderr: '' });
    for (const child of gone) expect(child.of('leaves')).toMatchObject([{ moment }]);
    // One that is stopped has not ended.
    if (signal === 'SIGKILL') for (const child of gone) expect((await child.ended).signal).toBe('SIGKILL');
    check(
      coordinator,
      ended.map((outcome) => (outcome.ended === 'finished' ? outcome.model : undefined)),
    );
  });
}

function drawn(names: readonly string[], count: number, random: SeededRandom): ReadonlySet<string> {
  const leaving = new Set<string>();
  while (leaving.size < count) leaving.add(names[random.integer(names.length)] ?? '');
  return leaving;
}

/** One case of each moment, or all of them. */
function casesOf<M extends string>(moments: readonly M[], most: number): [M, Signal, number][] {
  const random = new SeededRandom(`dropouts/${moments.join()}`);
  return moments.flatMap((moment, i) => {
    const every = SIGNALS.flatMap((signal) =>
      Array.from({ length: most }, (_, k) => [moment, signal, k + 1] as [M, Signal, number]),
    );
    // In turn, so that both are among them.
    const ofTurn = every.filter(([, signal]) => signal === SIGNALS[i % SIGNALS.length]);
    return all ? every : ofTurn.slice(random.integer(most)).slice(0, 1);
  });
}

describe('hospitals that go', () => {
  it.concurrent.each(casesOf(STAGES, 5))(
    'while they are %s, by %s, %i of 10',
    { timeout: 240_000 },
    async (at, signal, count) => {
      const leaving = drawn(TEN, count, new SeededRandom(`dropouts/${at}/${count}`));
      const changes = {
        ...{ rounds: 2, minHospitals: 5, absenceGraceSeconds: 0.4, roundTimeoutSeconds: DEADLINE_S },
        // One that goes before it has consented keeps the others waiting for so long.
        gatherTimeoutSeconds: at === 'ready' ? DEADLINE_S : 120,
      };
      await play(TEN, changes, [signal, at, leaving], (coordinator, heads) => {
        const rounds = coordinator.of('round-done');
        expect(rounds).toHaveLength(2);
        const gone = [...leaving].sort();
        for (const { hospitals, missing } of rounds) {
          // Who had been counted before it went is in the mean; nobody else is missing.
          expect(missing.filter((id) => !gone.includes(id))).toEqual([]);
          expect(hospitals.length).toBeGreaterThanOrEqual(TEN.length - count);
        }
        expect(rounds.at(-1)?.hospitals.map(({ id }) => id)).toEqual(TEN.filter((name) => !leaving.has(name)));
        expect(heads.map(bytesOf)).toEqual(heads.map(() => expectedOf(rounds, TEN)));
      });
    },
  );
});

describe('hospitals of a secure run that go before they say', () => {
  // Six hospitals open a sum of four.
  it.concurrent.each(casesOf(WORDS, 2))('%s, by %s, %i of 6', { timeout: 240_000 }, async (said, signal, count) => {
    const leaving = drawn(SIX, count, new SeededRandom(`dropouts/secure/${said}/${count}`));
    const changes = {
      ...{ mode: 'secagg', rounds: 1, minHospitals: 3, clipNorm: 2, absenceGraceSeconds: 0.4 },
      ...{ roundTimeoutSeconds: DEADLINE_S, secagg: { weightCap: 200, stageTimeoutSeconds: DEADLINE_S } },
    } satisfies Partial<RunFile>;
    await play(SIX, changes, [signal, said, leaving], (coordinator, heads) => {
      const [round, ...more] = coordinator.of('round-done');
      expect(more).toEqual([]);
      // Who was masked and has sent it is in the sum, whether or not it helps to open it.
      const isSummed = said === 'agreed' || said === 'unmasked';
      const survivors = SIX.filter((name) => isSummed || !leaving.has(name));
      expect(round?.hospitals.map(({ id }) => id)).toEqual(survivors);
      expect(new Set(heads.map(bytesOf)).size).toBe(1);
      const expected = expectedHead(SPEC, [survivors.map((name) => partOf(SIX.indexOf(name)))]);
      const worst = Math.max(...expected.map((value, k) => Math.abs(value - (heads[0]?.[k] ?? NaN))));
      expect(worst).toBeLessThan(TOLERANCE);
    });
  });
});

it('a wall clock that jumps by a day changes nothing', { timeout: 90_000 }, async () => {
  const jumps = ['--import', join(import.meta.dirname, '..', 'dist', 'faults', 'clock-jumps.js')];
  const here = (stage = await setStage(['a', 'b'], { rounds: 40 }));
  const coordinator = Child.coordinator(here, jumps);
  children.push(coordinator);
  const outcomes = [0, 1].map(async (k) => {
    const { examples, update } = partOf(k);
    const slow = async (round: number): Promise<Float32Array> => {
      await setTimeout(60);
      return update(round);
    };
    return (await here.node(k, { learner: knownLearner(examples, slow) })).run();
  });
  expect(await coordinator.ended).toMatchObject({ status: 0, stderr: '' });
  const parts = [partOf(0), partOf(1)];
  const expected = bytesOf(expectedHead(SPEC, new Array<typeof parts>(40).fill(parts)));
  for (const outcome of await Promise.all(outcomes)) {
    expect(outcome.ended === 'finished' && bytesOf(outcome.model)).toBe(expected);
  }
  const rounds = coordinator.of('round-done');
  expect(rounds.flatMap(({ missing }) => missing)).toEqual([]);
  // Else the jumps were not in the middle.
  expect(coordinator.of('listening')[0]?.atMs).toBeLessThan((rounds[0]?.atMs ?? 0) + 1);
  expect((rounds.at(-1)?.atMs ?? 0) - coordinator.startedMs).toBeGreaterThan(2_500);
});

it.skipIf(noPostgres !== undefined)(
  `a database that is gone for some seconds in the middle of a round costs that time only ${noPostgres ?? ''}`,
  { timeout: 120_000 },
  async () => {
    const downMs = all ? 30_000 : 5_000;
    const server = await PostgresServer.start();
    const here = (stage = await setStage(['a', 'b'], LARGE_RUN));
    const home = await openHome(here.coordinatorHome);
    const progress: Progress[] = [];
    const coordinator = await openCoordinator({
      ...{ home, host: '127.0.0.1', port: here.port, log: pino({ enabled: false }), databaseUrl: server.url },
      progress: (step) => progress.push(step),
    });
    try {
      await coordinator.begin(runConfig(await readRunFile(here.runFile), await enrolledHospitals(home)));
      let [isDown, chunks] = [false, 0];
      // One has sent when the database goes; the other has sent a part, and goes on while it is away.
      const network = tappedNetwork({
        asks: async (name) => {
          if (name !== 'update.chunk' || roundsOf(progress).length !== 1) return;
          if (chunks === CHUNKS_BEFORE) await until(() => isDown);
          else chunks += 1;
        },
      });
      const outcomes = [0, 1].map(async (k) => {
        const { examples, update } = partOf(k, LARGE);
        const learner = knownLearner(examples, update, LARGE.inputs);
        return (await here.node(k, { learner, ...(k === 1 && { network }) })).run();
      });
      await until(
        () => chunks === CHUNKS_BEFORE && progress.some((step) => step.event === 'update' && step.round === 2),
      );
      await server.halt('SIGKILL');
      isDown = true;
      await setTimeout(downMs);
      expect(roundsOf(progress)).toHaveLength(1);
      await server.resume();
      for (const outcome of await Promise.all(outcomes)) {
        expect(outcome.ended === 'finished' && bytesOf(outcome.model)).toBe(
          expectedOf(roundsOf(progress), ['a', 'b'], LARGE),
        );
      }
      expect(roundsOf(progress).flatMap(({ missing }) => missing)).toEqual([]);
      expect(progress.filter(({ event }) => event === 'update')).toHaveLength(4);
    } finally {
      await coordinator.close();
      await server.stop();
    }
  },
);
