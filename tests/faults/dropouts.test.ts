/**
 * Claims: (1) when 10 to 50 % of ten hospitals go silently at any one stage of a round, the run finishes with the others, names
 * the missing, and its head is the exact mean of those who were counted; (2) a wall clock that jumps by a day forwards and
 * back in the middle of a run changes nothing, not a byte of the head and no hospital's presence; (3) a database that is
 * killed in the middle of a round, and comes back after some seconds, costs that time and nothing else.
 * Oracle: FedAvg in float64 over the hospitals that `round-done` names. A failure names the stage and the seed.
 *
 * By default one share for each stage and 5 s without the database; all, and 30 s, with CONSILIUM_FAULTS=all.
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
} from '@consilium/coordinator';
import type { HospitalNode, NodeProgress } from '@consilium/hospital';
import { SeededRandom } from '@consilium/tensors';
import { afterEach, describe, expect, it } from 'vitest';
import { expectedHead } from '../support/expected-head.js';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { until } from '../support/until.js';
import { Child } from './child.js';
import { bytesOf, partOf, setStage, SPEC, type Stage } from './stage.js';

const all = process.env['CONSILIUM_FAULTS'] === 'all';
const TEN = Array.from({ length: 10 }, (_, k) => `h${k}`);
const STAGES = ['ready', 'training', 'sending', 'waiting', 'evaluating'] as const;
const shares = all ? [1, 2, 3, 4, 5] : [];

let consortium: Consortium | undefined;
let stage: Stage | undefined;
const children: Child[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill();
    await child.ended;
  }
  await consortium?.dismantle();
  await stage?.clear();
  consortium = stage = undefined;
});

const roundsOf = (progress: readonly Progress[]) => progress.filter((step) => step.event === 'round-done');

const expectedOf = (progress: readonly Progress[], names: readonly string[]): string =>
  bytesOf(
    expectedHead(
      SPEC,
      roundsOf(progress).map(({ hospitals }) => hospitals.map(({ id }) => partOf(names.indexOf(id)))),
    ),
  );

describe.each(STAGES)('hospitals that go while they are %s', (at) => {
  const random = new SeededRandom(`dropouts/${at}`);
  it.each(all ? shares : [1 + random.integer(5)])('%i of 10', { timeout: 60_000 }, async (count) => {
    const here = (consortium = await convene(TEN, {
      ...{ rounds: 2, minHospitals: 5, absenceGraceSeconds: 0.4, gatherTimeoutSeconds: 3 },
    }));
    const leaving = new Set<string>();
    while (leaving.size < count) leaving.add(TEN[random.integer(TEN.length)] ?? '');
    const nodes = new Map<string, HospitalNode>();
    const outcomes = [];
    for (const [k, name] of TEN.entries()) {
      const { examples, update } = partOf(k);
      const leave = (step: NodeProgress): void => {
        if (step.event === 'stage' && step.stage === at && leaving.has(name)) nodes.get(name)?.close();
      };
      // A moment for each training, so that leaving while it lasts is possible.
      const slow = async (round: number): Promise<Float32Array> => {
        await setTimeout(50);
        return update(round);
      };
      const node = await here.node(name, knownLearner(examples, slow), { progress: leave });
      nodes.set(name, node);
      const outcome = node.run();
      if (leaving.has(name)) outcome.catch(() => undefined);
      else outcomes.push(outcome);
    }
    expect(await here.conductor.ended).toMatchObject({ outcome: 'finished', rounds: 2 });
    const rounds = roundsOf(here.progress);
    const gone = [...leaving].sort();
    for (const { hospitals, missing } of rounds) {
      // Who had been counted before it went is in the mean; nobody else is missing.
      expect(missing.filter((id) => !gone.includes(id))).toEqual([]);
      expect(hospitals.length).toBeGreaterThanOrEqual(TEN.length - count);
    }
    expect(rounds.at(-1)?.hospitals.map(({ id }) => id)).toEqual(TEN.filter((name) => !leaving.has(name)));
    const expected = expectedOf(here.progress, TEN);
    for (const outcome of await Promise.all(outcomes)) {
      expect(outcome.ended === 'finished' && bytesOf(outcome.model)).toBe(expected);
    }
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
    const here = (stage = await setStage(['a', 'b']));
    const home = await openHome(here.coordinatorHome);
    const progress: Progress[] = [];
    const coordinator = await openCoordinator({
      ...{ home, host: '127.0.0.1', port: here.port, log: pino({ enabled: false }), databaseUrl: server.url },
      progress: (step) => progress.push(step),
    });
    try {
      await coordinator.begin(runConfig(await readRunFile(here.runFile), await enrolledHospitals(home)));
      let [isDown, isBack] = [false, false];
      const outcomes = [0, 1].map(async (k) => {
        const { examples, update } = partOf(k);
        const train = async (round: number): Promise<Float32Array> => {
          // One sends while the database is away; the other has sent before.
          if (round === 2 && k === 1) await until(() => isDown || isBack);
          return update(round);
        };
        return (await here.node(k, { learner: knownLearner(examples, train) })).run();
      });
      await until(() => progress.some((step) => step.event === 'update' && step.round === 2));
      await server.halt('SIGKILL');
      isDown = true;
      await setTimeout(downMs);
      expect(roundsOf(progress)).toHaveLength(1);
      await server.resume();
      isBack = true;
      for (const outcome of await Promise.all(outcomes)) {
        expect(outcome.ended === 'finished' && bytesOf(outcome.model)).toBe(expectedOf(progress, ['a', 'b']));
      }
      expect(roundsOf(progress).flatMap(({ missing }) => missing)).toEqual([]);
      expect(progress.filter(({ event }) => event === 'update')).toHaveLength(4);
    } finally {
      await coordinator.close();
      await server.stop();
    }
  },
);
