/**
 * Claims, for a secure run of two rounds and the sum of figures at its end, in which one process dies by SIGKILL before or
 * after a call that it makes, for every call, and is started again on the same home.
 * The coordinator dies at a write to its store, with three hospitals of which none may be missing: (1) the attempt that was
 * open goes on, none is begun again; (2) every word counts once, and no hospital ever offers two vectors for one attempt;
 * (3) all hospitals end with one head, byte for byte, which is the mean of all three.
 * One of four hospitals dies at a call of its memory or its learner: (4) the run finishes, the others are in every sum, and
 * all follow it to one head, which is the mean of those in the sums; (5) it never trains twice on one plan, and never offers
 * two vectors for one attempt.
 * Oracle: FedAvg in float64; the log and the blob names of the store; a file with one line for each training.
 *
 * A seeded sample of the deaths runs by default, all of them with CONSILIUM_FAULTS=all.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunFile } from '@consilium/coordinator';
import type { NodeOutcome } from '@consilium/hospital';
import { SECURE_STAGES } from '@consilium/rounds';
import { openEmbeddedStore, openPostgresStore, type RunStore } from '@consilium/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedHead } from '../support/expected-head.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { Child } from './child.js';
import { Scene } from './scene.js';
import { bytesOf, deaths, PARAMETERS, partOf, RUN, SPEC } from './stage.js';

const THREE = ['a', 'b', 'c'];
/** Above what a run without faults writes to the store, and what a hospital asks of its memory and its learner. */
const [WRITES, CALLS] = [112, 36];
const SAMPLED = 2;
const DEATH_MS = 240_000;
/** The step of the ring for these bounds is so small that an exact sum differs from the mean by less. */
const TOLERANCE = 1e-6;
const SECURE = {
  ...{ mode: 'secagg', minHospitals: 3, clipNorm: 2, secagg: { weightCap: 200, stageTimeoutSeconds: 60 } },
} satisfies Partial<RunFile>;

/** @param rounds - indices of the hospitals in each round's sum. */
function expectMean(head: Float32Array | undefined, rounds: readonly (readonly number[])[]): void {
  const expected = expectedHead(
    SPEC,
    rounds.map((hospitals) => hospitals.map((k) => partOf(k))),
  );
  expect(head).toHaveLength(PARAMETERS);
  const differences = [...(head ?? [])].map((value, k) => Math.abs(value - (expected[k] ?? NaN)));
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
}

/** At most one vector for each round, attempt and hospital, whatever was offered again. @returns The places offered. */
function expectOneVectorEach(processes: readonly Child[]): string[] {
  const offered = new Set(processes.flatMap((child) => child.of('offered').map(({ blob }) => blob)));
  const vectors = [...offered].filter((blob) => blob.startsWith('update/'));
  const places = vectors.map((blob) => blob.split('/').slice(0, 4).join('/')).sort();
  expect(new Set(places).size).toBe(places.length);
  return places;
}

async function headsOf(outcomes: readonly Promise<NodeOutcome>[]): Promise<(Float32Array | undefined)[]> {
  return (await Promise.all(outcomes)).map((outcome) => {
    if (outcome.ended !== 'finished') throw new Error(`a hospital ended as ${JSON.stringify(outcome)}`);
    return outcome.model;
  });
}

async function expectSaidOnce(store: RunStore): Promise<void> {
  const words: string[] = [];
  const plans: number[] = [];
  for await (const { event } of store.events(RUN)) {
    const said = JSON.parse(event) as { type: string; stage?: string; hospitalId?: string; attempt?: number };
    if (said.type === 'said') words.push(`${plans.length} ${said.stage ?? ''} ${said.hospitalId ?? ''}`);
    if (said.type === 'plan-signed') plans.push(said.attempt ?? 0);
  }
  await store.close();
  expect(plans).toEqual([1, 1, 1]);
  // No word twice; and none is lost of the stages that wait for all.
  expect(new Set(words).size).toBe(words.length);
  const waiting = SECURE_STAGES.filter((stage) => stage !== 'agreeing' && stage !== 'unmasking');
  for (const round of [1, 2, 3]) {
    for (const stage of waiting) for (const name of THREE) expect(words).toContain(`${round} ${stage} ${name}`);
  }
}

const coordinatorDies = (death: string, databaseUrl: string): Promise<void> =>
  Scene.play(THREE, SECURE, async (scene) => {
    const { stage } = scene;
    const nodes = await Promise.all(THREE.map((_, k) => stage.node(k)));
    const outcomes = nodes.map((node) => node.run());
    for (const outcome of outcomes) outcome.catch(() => undefined);
    const mortal = scene.started(Child.dyingCoordinator(stage, death, databaseUrl));
    const end = await mortal.ended;
    const processes = [mortal];
    if (end.signal === null) {
      // Else there are writes at which nobody ever died.
      expect(mortal.of('writes')[0]?.count).toBeLessThanOrEqual(WRITES);
    } else {
      expect(end.signal).toBe('SIGKILL');
      processes.push(scene.started(Child.dyingCoordinator(stage, 'never', databaseUrl)));
    }
    const { status, stderr } = (await processes.at(-1)?.ended) ?? { status: null, stderr: '' };
    expect(`${String(status)} ${stderr}`).toBe('0 ');
    const heads = await headsOf(outcomes);
    expect(new Set(heads.map(bytesOf)).size).toBe(1);
    expectMean(heads[0], [
      [0, 1, 2],
      [0, 1, 2],
    ]);
    const everywhere = [1, 2, 3].flatMap((round) => THREE.map((name) => `update/${round}/1/${name}`));
    expect(expectOneVectorEach(processes)).toEqual(everywhere);
    const embedded = (): Promise<RunStore> => openEmbeddedStore(join(stage.coordinatorHome, 'store'));
    await expectSaidOnce(databaseUrl === '' ? await embedded() : await openPostgresStore(databaseUrl));
  });

describe('the coordinator of a secure run dies at a write, on the embedded store', () => {
  it.concurrent.each(deaths(WRITES, SAMPLED, 'secure-kills/embedded'))(
    '%s',
    (death) => coordinatorDies(death, ''),
    DEATH_MS,
  );
});

describe.skipIf(noPostgres !== undefined)(`and on PostgreSQL ${noPostgres ?? ''}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());
  let number = 0;
  it.concurrent.each(deaths(WRITES, SAMPLED, 'secure-kills/postgres'))(
    '%s',
    async (death) => coordinatorDies(death, await server.database(`secure_${++number}`)),
    DEATH_MS,
  );
});

const hospitalDies = (death: string): Promise<void> =>
  Scene.play([...THREE, 'd'], { ...SECURE, absenceGraceSeconds: 20 }, async (scene) => {
    const { stage } = scene;
    const coordinator = scene.started(Child.dyingCoordinator(stage, 'never'));
    const outcomes = await Promise.all(
      THREE.map(async (_, k) => (await stage.node(k)).run()).map(async (run) => [run]),
    );
    const mortal = scene.started(Child.dyingHospital(stage, 3, death, { mode: 'secagg' }));
    let last = mortal;
    const end = await mortal.ended;
    if (end.signal === null) expect(mortal.of('calls')[0]?.count).toBeLessThanOrEqual(CALLS);
    else {
      expect(end.signal).toBe('SIGKILL');
      last = scene.started(Child.dyingHospital(stage, 3, 'never', { mode: 'secagg' }));
    }
    expect(await last.ended).toMatchObject({ status: 0, stderr: '' });
    expect(await coordinator.ended).toMatchObject({ status: 0, stderr: '' });

    const rounds = coordinator.of('round-done').map(({ hospitals }) => hospitals.map(({ id }) => 'abcd'.indexOf(id)));
    expect(rounds).toHaveLength(2);
    for (const round of rounds) expect(round.slice(0, 3)).toEqual([0, 1, 2]);
    const heads = await headsOf(outcomes.flat());
    expectMean(heads[0], rounds);
    expect(new Set([...heads.map(bytesOf), last.of('outcome')[0]?.model]).size).toBe(1);
    // One that came back too late for both rounds has trained on none.
    const noted = await readFile(join(stage.homeOf('d'), 'trainings'), 'utf8').catch(() => '');
    const trainings = noted.split('\n').filter((line) => line !== '');
    // A round's plan of a later attempt may be trained on again by a new process; in these runs there is one attempt each.
    expect(new Set(trainings).size).toBe(trainings.length);
    expectOneVectorEach([coordinator]);
  });

describe('one hospital of a secure run dies', () => {
  it.concurrent.each(deaths(CALLS, SAMPLED, 'secure-kills/hospital'))('%s', hospitalDies, DEATH_MS);
});
