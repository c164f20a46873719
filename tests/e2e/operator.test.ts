/**
 * Claims: an operator leads several runs through the daemon's commands, in text and in JSON, with the documented exit status;
 * two runs at the same time do not touch each other; a daemon that is killed in the middle of both continues both, and one
 * that is asked to end parks its runs, tells no hospital that they have ended, and goes on when it is back; of the heads
 * the best and the newest are kept; who lacks the token learns nothing, and the token is in no output and no log; of two
 * daemons on one database one leads, the other waits, takes over, and the first ends.
 * Oracle: the codes written here; what the hospitals themselves hold when a run has ended.
 */
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHome } from '@consilium/coordinator';
import { FolderMemory, HospitalNode, openIdentity, pinnedCoordinator, type NodeOutcome } from '@consilium/hospital';
import { headTensors } from '@consilium/model-spec';
import { readSafetensors } from '@consilium/tensors';
import { BACKBONE, knownLearner, PREPROCESSING } from '../support/federation.js';
import { noPostgres, PostgresServer } from '../support/postgres.js';
import { runProgram, startProgram, type Ending, type RunningProgram } from '../support/programs.js';
import { unusedPort } from '../support/tcp-proxy.js';
import { joinAll } from '../support/members.js';

const ROUNDS = 4;
const HOSPITALS = { first: ['a', 'b'], second: ['c', 'd'] } as const;

let directory: string;
let port: number;
const started: RunningProgram[] = [];
const path = (...names: string[]): string => join(directory, ...names);

const runFile = (run: string, hospitals: readonly string[]) => ({
  run,
  hospitals,
  study: { name: 'Study', labels: ['normal', 'pneumonia', 'covid'] },
  mode: 'sealed',
  head: { kind: 'linear' },
  embeddingLength: 4,
  ...{ backbone: BACKBONE, preprocessing: PREPROCESSING, rounds: ROUNDS, minHospitals: hospitals.length },
});

const coordinator = (...args: string[]): Promise<Ending> =>
  runProgram('coordinator', [...args, '--home', 'office'], directory);

async function json(...args: string[]): Promise<unknown[]> {
  const { status, stdout, stderr } = await coordinator(...args, '--format', 'json');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  // JSON is YAML's and everybody's: one value per line.
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}

/** As far as the test looks; the coordinator's own tests hold the API to its schemas. */
interface Shown {
  readonly status: string;
  readonly phase: string;
  readonly round: number;
  readonly bestRound: number | null;
  readonly hospitals: readonly { readonly id: string; readonly connected: boolean }[];
  readonly history: readonly { readonly round: number; readonly missing: readonly string[] }[];
}

const token = async (): Promise<string> => (await readFile(path('office', 'api-token'), 'utf8')).trim();

async function api(address: string, bearer?: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/api/v1${address}`, {
    headers: { authorization: `Bearer ${bearer ?? (await token())}` },
  });
}

/** Resolves when the run is as it should be. */
async function shown(run: string, isSo: (shown: Shown) => boolean): Promise<Shown> {
  for (;;) {
    const now = (await (await api(`/runs/${run}`)).json()) as Shown;
    if (isSo(now)) return now;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

function expectComplaint({ status, stderr }: Ending, expected: number, code: string, sentence: string): void {
  expect(stderr).toMatch(new RegExp(`^${code}: .*${sentence}`, 'm'));
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(expected);
}

async function serve(home: string, onPort: number, ...args: string[]): Promise<RunningProgram> {
  const daemon = startProgram('coordinator', ['serve', '--home', home, '--port', String(onPort), ...args], directory);
  started.push(daemon);
  await daemon.printed(/listening on|waiting to take over/);
  return daemon;
}

/** Hospitals train when they are told: a run stays where the test looks at it. */
const gates = new Set<string>();
const letGo = (run: string, upTo: number): void => {
  for (let round = 1; round <= upTo; round++) gates.add(`${run}/${round}`);
};
const nodes: HospitalNode[] = [];
const outcomes = new Map<string, NodeOutcome>();

async function joinRun(hospital: string): Promise<void> {
  const learner = knownLearner(10, (round, model) => new Float32Array(model.length).fill(round / 10));
  const node = new HospitalNode({
    ...(await openIdentity(path(hospital))),
    coordinatorKey: await pinnedCoordinator(path(hospital)),
    url: `http://127.0.0.1:${port}`,
    learner: {
      ...learner,
      train: async (config, model, round, ...rest) => {
        while (!gates.has(`${config.runId}/${round}`)) await new Promise((resolve) => setTimeout(resolve, 10));
        return learner.train(config, model, round, ...rest);
      },
    },
    memory: new FolderMemory(path(hospital)),
    modes: ['sealed'],
    progress: () => undefined,
  });
  nodes.push(node);
  void node.run().then((outcome) => outcomes.set(hospital, outcome));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-operator-'));
  port = await unusedPort();
  expect((await coordinator('init')).status).toBe(0);
  const hospitals = Object.values(HOSPITALS).flat();
  await joinAll(await openHome(path('office')), hospitals, path);
  for (const [run, members] of Object.entries({ ...HOSPITALS, third: ['a', 'b'] })) {
    await writeFile(path(`${run}.yaml`), JSON.stringify(runFile(run, members)));
  }
  await writeFile(path('bad.yaml'), JSON.stringify({ ...runFile('bad', ['a']), rounds: 0, training: { epoch: 1 } }));
});
afterAll(async () => {
  for (const node of nodes) node.close();
  for (const { child } of started) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

describe('without a daemon', () => {
  it('commands say that nobody answers, and files are checked all the same', async () => {
    expectComplaint(await coordinator('run', 'list'), 7, 'DAEMON_UNREACHABLE', 'serve');
    expectComplaint(
      await coordinator('run', 'list', '--url', 'http://127.0.0.1:1'),
      7,
      'DAEMON_UNREACHABLE',
      '127.0.0.1:1',
    );
    expectComplaint(await coordinator('run', 'start', 'none.yaml'), 2, 'RUN_FILE_INVALID', 'none.yaml');
    expectComplaint(await coordinator('config', 'validate', 'bad.yaml'), 2, 'RUN_FILE_INVALID', 'rounds: .*"epoch"');
    expect(await json('config', 'validate', 'first.yaml')).toMatchObject([{ valid: true, hospitals: ['a', 'b'] }]);
    const explained = await json('config', 'explain', 'first.yaml');
    expect(explained).toContainEqual(expect.objectContaining({ field: 'rounds', value: ROUNDS, from: 'file' }));
    expect(explained).toContainEqual(
      expect.objectContaining({ field: 'roundTimeoutSeconds', value: 3_600, from: 'default' }),
    );
  });
});

// One consortium, one step after the other: each starts from where the one before it left the runs.
describe('an operator with two runs', () => {
  let daemon: RunningProgram;

  it('begins both, and hospitals of both train', async () => {
    daemon = await serve('office', port, '--keep-snapshots', 'best');
    for (const run of Object.keys(HOSPITALS)) {
      const { status, stdout } = await coordinator('run', 'start', `${run}.yaml`);
      expect(stdout).toContain(`run ${run} has begun`);
      expect(status).toBe(0);
    }
    await Promise.all(Object.values(HOSPITALS).flat().map(joinRun));
    letGo('first', 1);
    letGo('second', 1);
    for (const run of Object.keys(HOSPITALS)) {
      await shown(run, ({ round, phase }) => round === 2 && phase === 'collecting');
    }
    expect(await json('run', 'list')).toMatchObject([
      { run: 'second', status: 'running', round: 2, rounds: ROUNDS },
      { run: 'first', status: 'running', round: 2, rounds: ROUNDS },
    ]);
    const { stdout } = await coordinator('run', 'show', 'first');
    expect(stdout).toMatch(/^a +yes +yes +awaited$/m);
    expect(stdout).not.toMatch(/^c /m);
  });

  it('is refused what makes no sense', async () => {
    expectComplaint(await coordinator('run', 'start', 'first.yaml'), 2, 'RUN_EXISTS', 'name');
    expectComplaint(await coordinator('run', 'start', 'bad.yaml'), 2, 'RUN_FILE_INVALID', 'rounds');
    expectComplaint(await coordinator('run', 'pause', 'none'), 2, 'RUN_UNKNOWN', 'no such run');
    expectComplaint(await coordinator('run', 'logs', 'first', '--from', 'x'), 2, 'BAD_OPTION', '--from');
    expectComplaint(await coordinator('serve'), 3, 'HOME_IN_USE', 'office');
  });

  it('is the only one: others learn nothing', async () => {
    const refused = await api('/runs', 'ab'.repeat(32));
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: 'UNAUTHORIZED' });
    await writeFile(path('wrong-token'), 'ab'.repeat(32), { mode: 0o600 });
    const ending = await coordinator('run', 'list', '--token-file', 'wrong-token');
    expectComplaint(ending, 2, 'UNAUTHORIZED', 'token');
    expect(ending.stdout).toBe('');
  });

  it('gets both back after the daemon was killed in the middle of a round', async () => {
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    daemon = await serve('office', port, '--keep-snapshots', 'best');
    await daemon.printed(/run first is taken up after \d+ events/);
    await daemon.printed(/run second is taken up after \d+ events/);
    for (const run of Object.keys(HOSPITALS)) {
      const back = await shown(run, ({ hospitals }) => hospitals.every(({ connected }) => connected));
      expect(back).toMatchObject({ phase: 'collecting', round: 2, history: [{ round: 1, missing: [] }] });
    }
  });

  it('pauses one, and the other goes on to its end', async () => {
    expect((await coordinator('run', 'pause', 'first')).stdout).toBe('run first is paused\n');
    letGo('first', ROUNDS);
    letGo('second', ROUNDS);
    const second = await shown('second', ({ phase }) => phase === 'ended');
    expect(second).toMatchObject({ status: 'finished', round: ROUNDS, history: [{}, {}, {}, {}] });
    // The open round is finished, and no other begins.
    const first = await shown('first', ({ round }) => round === 3);
    expect(first).toMatchObject({ status: 'paused', phase: 'gathering' });
    for (const hospital of HOSPITALS.second) await expect.poll(() => outcomes.get(hospital)?.ended).toBe('finished');
    for (const hospital of HOSPITALS.first) expect(outcomes.get(hospital)).toBeUndefined();
  });

  it('reads the log, in text and in JSON', async () => {
    const entries = (await json('run', 'logs', 'second', '--follow')) as { seq: number; event: { type: string } }[];
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, seq) => seq));
    expect(entries.filter(({ event }) => event.type === 'update-accepted')).toHaveLength(2 * ROUNDS);
    const { stdout } = await coordinator('run', 'logs', 'second', '--from', String(entries.length - 1));
    expect(stdout.split('\n')).toHaveLength(2);
  });

  it('takes the head that hospitals hold too', async () => {
    const { history, bestRound } = await shown('second', () => true);
    expect(bestRound).not.toBeNull();
    const file = readSafetensors(new Uint8Array(await (await api('/runs/second/model?round=last')).arrayBuffer()));
    expect(file.metadata.get('round')).toBe(String(ROUNDS));
    const names = headTensors({ kind: 'linear', inputs: 4, classes: 3 }).map(({ name }) => name);
    const head = names.flatMap((name) => [...(file.tensors.get(name)?.values ?? [])]);
    for (const hospital of HOSPITALS.second) {
      const held = outcomes.get(hospital);
      if (held?.ended !== 'finished') throw new Error(`${hospital} has not finished`);
      expect(head).toEqual([...(held.model ?? [])]);
    }
    expect(history.map(({ round }) => round)).toEqual([1, 2, 3, 4]);
    expect((await api('/runs/second/model?round=9')).status).toBe(404);
  });

  it('ends the daemon, which parks what is open', async () => {
    daemon.child.kill('SIGTERM');
    const { status, stdout, stderr } = await daemon.ended;
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).not.toMatch(/run first (finished|aborted)/);
    for (const hospital of HOSPITALS.first) expect(outcomes.get(hospital)).toBeUndefined();
    expect(await readdir(path('office'))).not.toContain('api.json');
    expectComplaint(await coordinator('run', 'list'), 7, 'DAEMON_UNREACHABLE', 'serve');
  });

  it('finds it paused afterwards, and resumes it to its end', async () => {
    daemon = await serve('office', port, '--keep-snapshots', 'best');
    const back = await shown('first', ({ hospitals }) => hospitals.every(({ connected }) => connected));
    expect(back).toMatchObject({ status: 'paused', round: 3 });
    expect(await json('run', 'resume', 'first')).toMatchObject([{ run: 'first', status: 'running' }]);
    const { history } = await shown('first', ({ status }) => status === 'finished');
    expect(history).toMatchObject([{ missing: [] }, { missing: [] }, { missing: [] }, { missing: [] }]);
    for (const hospital of HOSPITALS.first) await expect.poll(() => outcomes.get(hospital)?.ended).toBe('finished');
    // A file follows its round; no round waits for it. All rounds score alike, and the earliest of equals is the best.
    const files = ['round-00001.safetensors', 'round-00004.safetensors'];
    await expect.poll(async () => (await readdir(path('office', 'models', 'first'))).sort()).toEqual(files);
    const best = new Uint8Array(await (await api('/runs/first/model?round=best')).arrayBuffer());
    expect(readSafetensors(best).metadata.get('round')).toBe('1');
    const forgotten = await api('/runs/first/model?round=2');
    expect(forgotten.status).toBe(404);
    expect(await forgotten.json()).toMatchObject({ code: 'MODEL_UNKNOWN' });
  });

  it('aborts a third one at once, and nothing more can be done with it', async () => {
    expect((await coordinator('run', 'start', 'third.yaml')).status).toBe(0);
    expect((await coordinator('run', 'abort', 'third')).stdout).toBe('run third is aborted\n');
    expectComplaint(await coordinator('run', 'resume', 'third'), 2, 'RUN_ENDED', 'ended');
    expect((await coordinator('run', 'list')).stdout).toMatch(/^third +aborted +ended/m);
    daemon.child.kill('SIGINT');
    expect((await daemon.ended).status).toBe(0);
  });

  it('and the token is nowhere but in its file', async () => {
    const secret = await token();
    const told = await Promise.all(started.map(({ ended }) => ended));
    for (const { stdout, stderr } of told) expect(stdout + stderr).not.toContain(secret);
    const log = await readFile(path('office', 'coordinator.log'), 'utf8');
    expect(log).toContain('"code":"UNAUTHORIZED"');
    expect(log).not.toContain(secret);
  });
});

describe.skipIf(noPostgres !== undefined)('two daemons on one database', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
    // The same coordinator on another machine: its key, its enrolments, and a folder of its own.
    await mkdir(path('twin'));
    await copyFile(path('office', 'coordinator.key'), path('twin', 'coordinator.key'));
    await cp(path('office', 'membership'), path('twin', 'membership'), { recursive: true });
  });
  afterAll(async () => {
    await server.stop();
  });

  it('one leads; the other waits, takes over when the first is silent, and the first ends', async () => {
    const database = ['--database', await server.database('operator')];
    const leader = await serve('office', port, ...database);
    expect((await coordinator('run', 'start', 'third.yaml')).status).toBe(0);
    const twinPort = await unusedPort();
    const twin = await serve('twin', twinPort, ...database);
    await expect.poll(async () => (await fetch(`http://127.0.0.1:${twinPort}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${twinPort}/readyz`)).status).toBe(503);
    // One that only waits ends as well when it is asked to.
    twin.child.kill('SIGTERM');
    expect((await twin.ended).status).toBe(0);
    const successor = await serve('twin', twinPort, ...database);
    leader.child.kill('SIGSTOP');
    await successor.printed(/run third is taken up/);
    await successor.printed(/listening on/);
    expect((await fetch(`http://127.0.0.1:${twinPort}/readyz`)).status).toBe(200);
    leader.child.kill('SIGCONT');
    const deposed = await leader.ended;
    expect(deposed.stderr).toMatch(/^DEPOSED: /m);
    expect(deposed.status).toBe(6);
    const list = await runProgram('coordinator', ['run', 'list', '--home', 'twin', '--format', 'json'], directory);
    expect(JSON.parse(list.stdout)).toMatchObject({ run: 'third', status: 'running' });
    successor.child.kill('SIGTERM');
    expect((await successor.ended).status).toBe(0);
  });
});
