/**
 * Claims, for a run of two hospitals and two rounds in which the coordinator is a real process that dies by SIGKILL before or
 * after its N-th write to the store, for every N, and is started again on the same home and port: (1) the run goes on, and
 * the first thing that a hospital does is noted within 30 s of the new process's start (the 95th percentile is printed);
 * (2) no acknowledged update is lost and none is counted twice; (3) every hospital ends with the head of a run without
 * faults, byte for byte; (4) no hospital ever offers two different updates for one attempt; (5) the same for updates
 * of several chunks, between any two of which it dies, and a grace period that is over before the hospitals are back; (6) the
 * same for the product's own program, killed at any time.
 * Oracle: FedAvg in float64 (tests/support/expected-head.ts); the log and the blob names of the store.
 *
 * A seeded sample of the deaths runs by default, all of them with CONSILIUM_FAULTS=all.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { NodeOutcome } from '@consilium/hospital';
import { openEmbeddedStore, openPostgresStore, type RunStore } from '@consilium/store';
import { SeededRandom } from '@consilium/tensors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantile } from '../bench/quantile.js';
import { expectedHead } from '../support/expected-head.js';
import { knownLearner } from '../support/federation.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { until } from '../support/until.js';
import { Child } from './child.js';
import { Scene } from './scene.js';
import { bytesOf, deaths, LARGE, LARGE_RUN, partOf, RUN, SPEC, type Stage } from './stage.js';

const all = process.env['CONSILIUM_FAULTS'] === 'all';
/** More than a run without faults writes; a death that is never reached is a run without faults. */
const WRITES = 44;
const SAMPLED = 3;
/** The longest that a run with one death may take on a machine that is busy with others. */
const DEATH_MS = 180_000;
type Spec = typeof SPEC | typeof LARGE;

function expectedOf(spec: Spec): string {
  const parts = [partOf(0, spec), partOf(1, spec)];
  return bytesOf(expectedHead(spec, [parts, parts]));
}

const recoveries: number[] = [];
afterAll(() => {
  if (recoveries.length === 0) return;
  const figures = [0.5, 0.95, 1].map((q) => `${(quantile(recoveries, q) / 1_000).toFixed(2)} s`);
  process.stdout.write(
    `recovery of the coordinator over ${recoveries.length} kills, p50 / p95 / longest: ${figures.join(' / ')}\n`,
  );
});

/** Both hospitals, in this process. */
async function joined(here: Stage, spec: Spec = SPEC): Promise<Promise<NodeOutcome>[]> {
  const nodes = await Promise.all(
    [0, 1].map((k) => {
      const { examples, update } = partOf(k, spec);
      return here.node(k, { learner: knownLearner(examples, update, spec.inputs) });
    }),
  );
  const outcomes = nodes.map((node) => node.run());
  for (const outcome of outcomes) outcome.catch(() => undefined);
  return outcomes;
}

async function expectExact(outcomes: readonly Promise<NodeOutcome>[], spec: Spec = SPEC): Promise<void> {
  const expected = expectedOf(spec);
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome.ended !== 'finished') throw new Error(`a hospital ended as ${outcome.ended}`);
    expect(outcome.rounds).toBe(2);
    expect(bytesOf(outcome.model)).toBe(expected);
  }
}

/** The log counts each update once, and keeps its statement. */
async function expectCountedOnce(store: RunStore): Promise<void> {
  const counted: string[] = [];
  for await (const { event } of store.events(RUN)) {
    const { type, update } = JSON.parse(event) as { type: string; update?: { hospitalId: string; blobDigest: string } };
    if (type === 'update-accepted') counted.push(update?.hospitalId ?? '');
  }
  expect(counted.sort()).toEqual(['a', 'a', 'b', 'b']);
  const documents: string[] = [];
  for await (const { digest } of store.documents(RUN, 'update')) documents.push(digest);
  expect(new Set(documents).size).toBe(4);
  await store.close();
}

/** At most one blob name for each round, attempt and hospital, whatever was offered again. */
function expectOneUpdateEach(processes: readonly Child[]): void {
  const blobs = new Set(processes.flatMap((child) => child.of('offered').map(({ blob }) => blob)));
  const updates = [...blobs].filter((blob) => blob.startsWith('update/'));
  const places = updates.map((blob) => blob.split('/').slice(0, 4).join('/'));
  expect(places.sort()).toEqual(['update/1/1/a', 'update/1/1/b', 'update/2/1/a', 'update/2/1/b']);
}

const dieAndComeBack = (death: string, databaseUrl: string): Promise<void> =>
  Scene.play(['a', 'b'], {}, (scene) => act(scene, death, databaseUrl));

async function act(scene: Scene, death: string, databaseUrl: string, spec: Spec = SPEC): Promise<void> {
  const { stage } = scene;
  const outcomes = await joined(stage, spec);
  const mortal = scene.started(Child.dyingCoordinator(stage, death, databaseUrl));
  const end = await mortal.ended;
  const processes = [mortal];
  if (end.signal !== null) {
    expect(end.signal).toBe('SIGKILL');
    const again = scene.started(Child.dyingCoordinator(stage, 'never', databaseUrl));
    processes.push(again);
    const { status, stderr } = await again.ended;
    expect(`${String(status)} ${stderr}`).toBe('0 ');
    const runHadEnded = mortal.of('ended').length > 0;
    if (!runHadEnded) {
      expect(again.firstNewMs).toBeLessThan(30_000);
      recoveries.push(again.firstNewMs ?? NaN);
    }
  } else {
    expect(`${String(end.status)} ${end.stderr}`).toBe('0 ');
    // Else there are writes at which nobody ever died.
    if (spec === LARGE) throw new Error('it never came to that chunk');
    expect(mortal.of('writes')[0]?.count).toBeLessThanOrEqual(WRITES);
  }
  await expectExact(outcomes, spec);
  expectOneUpdateEach(processes);
  const store =
    databaseUrl === '' ? openEmbeddedStore(join(stage.coordinatorHome, 'store')) : openPostgresStore(databaseUrl);
  await expectCountedOnce(await store);
}

describe('the coordinator dies at a write, on the embedded store', () => {
  it.concurrent.each(deaths(WRITES, SAMPLED, 'kill-matrix/embedded'))(
    '%s',
    (death) => dieAndComeBack(death, ''),
    DEATH_MS,
  );
});

/** Writes of chunks; up to four that come together are one, so that a run has at least so many. */
const CHUNKS = 8;

describe('the coordinator dies between the chunks of updates', () => {
  // It has forgotten who was there, and nobody may be left out for it, however short the grace period.
  const changes = { ...LARGE_RUN, absenceGraceSeconds: 0.5, minHospitals: 1 };
  it.concurrent.each(deaths(CHUNKS, SAMPLED, 'kill-matrix/chunks'))(
    '%s',
    (death) => Scene.play(['a', 'b'], changes, (scene) => act(scene, `chunk-${death}`, '', LARGE)),
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
  it.concurrent.each(deaths(WRITES, SAMPLED, 'kill-matrix/postgres'))(
    '%s',
    async (death) => dieAndComeBack(death, await server.database(`faults_${++number}`)),
    DEATH_MS,
  );
});

it("the product's own coordinator, killed again and again at any time", { timeout: 300_000 }, () =>
  Scene.play(['a', 'b'], {}, async (scene) => {
    const random = new SeededRandom('kill-matrix/any-time');
    const { stage } = scene;
    const outcomes = await joined(stage);
    const kills = all ? 20 : 4;
    const processes: Child[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const child = scene.started(Child.coordinator(stage));
      processes.push(child);
      // From before it has read its arguments until it has said a few things.
      const words = random.integer(7);
      const delayMs = random.integer(words === 0 ? 1_000 : 30);
      const moment = until(() => child.lines.length >= words).then(() => setTimeout(delayMs));
      const ended = await Promise.race([child.ended, moment]);
      if (ended !== undefined) {
        expect(ended).toMatchObject({ status: 0 });
        break;
      }
      child.kill();
      await child.ended;
    }
    if (!processes.some((child) => child.of('ended').length > 0)) {
      const last = scene.started(Child.coordinator(stage));
      processes.push(last);
      expect(await last.ended).toMatchObject({ status: 0 });
      recoveries.push(last.firstNewMs ?? NaN);
    }
    await expectExact(outcomes);
    await expectCountedOnce(await openEmbeddedStore(join(stage.coordinatorHome, 'store')));
  }),
);
