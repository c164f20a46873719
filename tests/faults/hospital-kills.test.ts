/**
 * Claims, for a run of two hospitals and two rounds in which one hospital's process dies by SIGKILL before or after each call
 * of its memory and its learner, or between two chunks of an update, and is started again on the same home: (1) the run finishes, with the hospital under its old
 * identity or declined for the round whose update it lost, at the latest when the time for the last evaluation is over (one
 * that died while it evaluated does not evaluate again); (2) it never trains twice on one plan; (3) it never offers two
 * different updates for one attempt; (4) the head is the exact mean of those who were counted, byte for byte.
 * Oracle: FedAvg in float64 over the hospitals that `round-done` names; a file with one line for each training; the names of
 * the blobs that the coordinator's store was asked for.
 *
 * A seeded sample of the deaths runs by default, all of them with CONSILIUM_FAULTS=all.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectedHead } from '../support/expected-head.js';
import { knownLearner } from '../support/federation.js';
import { Child } from './child.js';
import { Scene } from './scene.js';
import { bytesOf, deaths, LARGE, LARGE_RUN, partOf, SPEC } from './stage.js';

/** More than a run without faults makes: prepare, and in each round train, evaluate and some writings. */
const CALLS = 24;
const SAMPLED = 3;
const all = process.env['CONSILIUM_FAULTS'] === 'all';
const TERMS = { minHospitals: 1, roundTimeoutSeconds: 20 };

it.concurrent.each(deaths(CALLS, SAMPLED, 'hospital-kills'))('a hospital dies %s', { timeout: 180_000 }, (death) =>
  Scene.play(['a', 'b'], TERMS, (scene) => act(scene, death)),
);

/** Eight of each update; the last is acknowledged, and the commit is not said. */
const afterChunks = all ? Array.from({ length: 16 }, (_, k) => k + 1) : [3, 8, 12];

it.concurrent.each(afterChunks)('a hospital dies after chunk %i of its updates', { timeout: 180_000 }, (chunk) =>
  Scene.play(['a', 'b'], { ...TERMS, ...LARGE_RUN }, (scene) => act(scene, `SIGKILL@chunk-${chunk}`, LARGE)),
);

async function act(scene: Scene, death: string, spec: typeof SPEC | typeof LARGE = SPEC): Promise<void> {
  const { stage } = scene;
  const coordinator = scene.started(Child.dyingCoordinator(stage, 'never'));
  const size = spec === LARGE ? 'large' : 'small';
  const { examples, update } = partOf(0, spec);
  const steady = (await stage.node(0, { learner: knownLearner(examples, update, spec.inputs) })).run();
  const mortal = scene.started(Child.dyingHospital(stage, 1, death, { size }));
  let last = mortal;
  const end = await mortal.ended;
  if (end.signal !== null) {
    expect(end.signal).toBe('SIGKILL');
    last = scene.started(Child.dyingHospital(stage, 1, 'never', { size }));
    await last.ended;
  } else if (spec === LARGE) throw new Error('it never came to that chunk');
  else expect(mortal.of('calls')[0]?.count).toBeLessThanOrEqual(CALLS);
  expect(await last.ended).toMatchObject({ status: 0, stderr: '' });
  expect(await coordinator.ended).toMatchObject({ status: 0, stderr: '' });

  const rounds = coordinator.of('round-done');
  expect(rounds.map(({ round }) => round)).toEqual([1, 2]);
  // What was lost is at most the one update that it was making.
  expect(rounds.flatMap(({ missing }) => missing).length).toBeLessThanOrEqual(1);
  expect(rounds.flatMap(({ missing }) => missing).filter((id) => id !== 'b')).toEqual([]);
  const counted = rounds.map(({ hospitals }) => hospitals.map(({ id }) => partOf('ab'.indexOf(id), spec)));
  const expected = bytesOf(expectedHead(spec, counted));
  const outcome = await steady;
  expect(outcome.ended === 'finished' && bytesOf(outcome.model)).toBe(expected);
  expect(last.of('outcome')).toMatchObject([{ ended: 'finished', model: expected }]);

  const trainings = (await readFile(join(stage.homeOf('b'), 'trainings'), 'utf8')).trim().split('\n');
  expect(new Set(trainings).size).toBe(trainings.length);
  const offered = new Set(coordinator.of('offered').flatMap(({ blob }) => (blob.startsWith('update/') ? [blob] : [])));
  const places = [...offered].map((blob) => blob.split('/').slice(0, 4).join('/'));
  expect(new Set(places).size).toBe(places.length);
}
