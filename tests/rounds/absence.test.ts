/**
 * Claims: (1) a hospital that dies in a round is named as missing and the others go on, with the exact mean of those who
 * are left; (2) so is one that stays connected and never answers, when the time of the round is over; (3) below the
 * minimum the run ends as TOO_FEW_HOSPITALS and hospitals are told; (4) one whose line comes back within the grace period
 * is counted; (5) a late joiner takes part from the next round on; (6) a hospital waits for a coordinator that is not
 * there yet; (7) one with another backbone leaves by itself, and the run goes on without it.
 * Oracle: the weighted mean of tests/support/expected-head.ts over those who should be in it.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { expectedHead, waveUpdate, type Part } from '../support/expected-head.js';
import { TcpProxy, unusedPort } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const SPEC = { kind: 'linear', inputs: 4, classes: 3 } as const;
const PARTS = { a: { examples: 7 }, b: { examples: 100 }, c: { examples: 31 } };
const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];

const part = (name: Name): Part => ({ ...PARTS[name], update: waveUpdate(NAMES.indexOf(name), 15) });
const learner = (name: Name, before: (round: number) => Promise<void> = () => Promise.resolve()) =>
  knownLearner(part(name).examples, async (round) => {
    await before(round);
    return part(name).update(round);
  });
const forever = (): Promise<never> => new Promise(() => undefined);

let consortium: Consortium | undefined;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0)) await clean();
  await consortium?.dismantle();
});

const rounds = ({ progress }: Consortium) => progress.filter((step) => step.event === 'round-done');
const cohorts = ({ progress }: Consortium) =>
  progress.filter((step) => step.event === 'round-started').map(({ hospitals }) => hospitals.join(''));
const saw = ({ progress }: Consortium, event: string, hospital: string): boolean =>
  progress.some((step) => step.event === event && 'hospital' in step && step.hospital === hospital);

const isTraining = ({ nodeProgress }: Consortium, name: Name): boolean =>
  nodeProgress.some((step) => step.hospital === name && step.event === 'stage' && step.stage === 'training');

describe('a hospital that is lost in a round', () => {
  it('is named when its process dies, and the others go on', async () => {
    consortium = await convene(NAMES, { rounds: 2 });
    const here = consortium;
    const dying = await here.node('b', learner('b', forever), {});
    void dying.run();
    const outcomes = (['a', 'c'] as const).map((name) => here.join(name, learner(name)));
    await until(() => isTraining(here, 'b'));
    dying.close();

    expect(await here.conductor.ended).toMatchObject({ outcome: 'finished' });
    expect(rounds(here).map(({ missing }) => missing)).toEqual([['b'], []]);
    expect(cohorts(here)).toEqual(['abc', 'ac']);
    const expected = expectedHead(SPEC, [
      [part('a'), part('c')],
      [part('a'), part('c')],
    ]);
    for (const outcome of await Promise.all(outcomes))
      expect(outcome).toMatchObject({ ended: 'finished', model: expected });
  });

  it('is named when it is there and never answers, once the time of the round is over', async () => {
    consortium = await convene(NAMES, { rounds: 1, roundTimeoutSeconds: 2.5 });
    const here = consortium;
    const silent = await here.node('c', learner('c', forever), {});
    void silent.run();
    const outcomes = (['a', 'b'] as const).map((name) => here.join(name, learner(name)));
    await until(() => rounds(here).length > 0);
    // What it would hold up now, the end of the run, is another claim's.
    silent.close();
    expect(await here.conductor.ended).toMatchObject({ outcome: 'finished' });
    expect(rounds(here).map(({ missing }) => missing)).toEqual([['c']]);
    const model = expectedHead(SPEC, [[part('a'), part('b')]]);
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ model });
  });
});

describe('below the minimum', () => {
  it('a run ends when too few answered in time, and those who are left are told', async () => {
    consortium = await convene(['a', 'b'], { roundTimeoutSeconds: 2 });
    const here = consortium;
    const dying = await here.node('b', learner('b', forever), {});
    void dying.run();
    const outcome = here.join('a', learner('a'));
    await until(() => isTraining(here, 'b'));
    dying.close();
    const end = { ended: 'aborted', reason: 'TOO_FEW_HOSPITALS', rounds: 0, model: undefined };
    expect(await outcome).toMatchObject(end);
    expect(await here.conductor.ended).toMatchObject({ outcome: 'aborted', reason: 'TOO_FEW_HOSPITALS' });
    expect(rounds(here)).toEqual([]);
  });

  it('a run ends when too few ever came', async () => {
    consortium = await convene(['a', 'b'], { gatherTimeoutSeconds: 0.5 });
    const here = consortium;
    const outcome = await here.join('a', learner('a'));
    expect(outcome).toMatchObject({ ended: 'aborted', reason: 'TOO_FEW_HOSPITALS' });
    expect(cohorts(here)).toEqual([]);
  });
});

describe('a hospital whose line comes and goes', () => {
  it('is counted if it is back within the grace period', async () => {
    consortium = await convene(NAMES, { rounds: 1, absenceGraceSeconds: 60, roundTimeoutSeconds: 60 });
    const here = consortium;
    const proxy = await TcpProxy.open(here.coordinator.url);
    cleanUp.push(() => proxy.close());
    const cutWhileTraining = learner('b', async () => {
      proxy.cut();
      await until(() => saw(here, 'disconnected', 'b') && proxy.connections.length > 1);
    });
    const outcomes = [
      here.join('a', learner('a')),
      here.join('b', cutWhileTraining, { url: proxy.url }),
      here.join('c', learner('c')),
    ];
    expect(await here.conductor.ended).toMatchObject({ outcome: 'finished' });
    expect(rounds(here).map(({ missing }) => missing)).toEqual([[]]);
    const model = expectedHead(SPEC, [[part('a'), part('b'), part('c')]]);
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ ended: 'finished', model });
  });

  it('takes part from the next round on if it came late', async () => {
    consortium = await convene(NAMES, { rounds: 2, gatherTimeoutSeconds: 1.5 });
    const here = consortium;
    const waitsForC = learner('a', () => until(() => saw(here, 'consented', 'c')));
    const outcomes = [here.join('a', waitsForC), here.join('b', learner('b'))];
    await until(() => cohorts(here).length > 0);
    outcomes.push(here.join('c', learner('c')));
    expect(await here.conductor.ended).toMatchObject({ outcome: 'finished' });
    expect(cohorts(here)).toEqual(['ab', 'abc']);
    const model = expectedHead(SPEC, [[part('a'), part('b')], NAMES.map(part)]);
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ ended: 'finished', model });
  });

  it('waits for a coordinator that is not there yet', async () => {
    consortium = await convene(['a', 'b'], { rounds: 1, gatherTimeoutSeconds: 60 });
    const here = consortium;
    const port = await unusedPort();
    const outcomes = [here.join('a', learner('a'), { url: `http://127.0.0.1:${port}` }), here.join('b', learner('b'))];
    await until(() =>
      here.nodeProgress.some((step) => step.hospital === 'a' && 'state' in step && step.state === 'unreachable'),
    );
    expect(cohorts(here)).toEqual([]);
    const proxy = await TcpProxy.open(here.coordinator.url, port);
    cleanUp.push(() => proxy.close());
    expect(await here.conductor.ended).toMatchObject({ outcome: 'finished' });
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ ended: 'finished' });
  });
});

it('a hospital with another backbone leaves by itself, and the run goes on without it', async () => {
  consortium = await convene(NAMES, { rounds: 1, gatherTimeoutSeconds: 60 });
  const here = consortium;
  const others = (['a', 'c'] as const).map((name) => here.join(name, learner(name)));
  const trained: number[] = [];
  const different = {
    ...learner('b', (round) => Promise.resolve(void trained.push(round))),
    prepare: () => Promise.resolve({ backbone: 'cd'.repeat(32), preprocessing: 'test-1', embeddingLength: 4 }),
  };
  expect(await here.join('b', different)).toMatchObject({ ended: 'refused-here', code: 'BACKBONE_MISMATCH' });
  expect(await here.conductor.ended).toMatchObject({ outcome: 'finished' });
  expect(cohorts(here)).toEqual(['ac']);
  expect(trained).toEqual([]);
  expect(saw(here, 'consented', 'b')).toBe(false);
  const model = expectedHead(SPEC, [[part('a'), part('c')]]);
  for (const outcome of await Promise.all(others)) expect(outcome).toMatchObject({ ended: 'finished', model });
});
