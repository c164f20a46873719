/**
 * Claims: with the programs as people start them, (1) `policy init` writes a policy that refuses the trust mode sealed, by
 * its rule and with status 7, and what has no policy runs as before; (2) a run waits until `approve` names its hash, and an
 * approval without a terminal for anything else does nothing; (3) the journal holds every kind of message of a run, `egress
 * verify` finds a line that was altered, and neither journal, log, nor dry run names a patient or a file; (4) `dry-run` writes
 * what a run sends, and sends nothing; (5) `stop --now` ends a training within a second with the coordinator dead, and
 * `start --service` stays stopped until a person starts; (6) `pause`, `status` and `logs` work on a running node; (7) `leave`
 * removes keys, caches and memory, and keeps results unless told otherwise.
 * Oracle: exit statuses, the coordinator's own progress, and what lies on the disk.
 */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeAll, afterAll, describe, expect, it, vi } from 'vitest';
import { untrainedBackbone } from '@consilium/backbone';
import {
  enrolledHospitals,
  openCoordinator,
  openHome,
  runConfig,
  runFileSchema,
  type Progress,
  type RunFile,
  type RunningCoordinator,
} from '@consilium/coordinator';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { runProgram, startProgram, type Ending, type RunningProgram } from '../support/programs.js';
import { until } from '../support/until.js';
import { film } from '../support/xray-folder.js';
import { joinAll } from '../support/members.js';

vi.setConfig({ testTimeout: 120_000 });

const CANARIES = ['kowalczyk', 'MRN-84713'];
const LABELS = ['normal', 'pneumonia', 'covid'] as const;
const IMAGES = 12;

let directory: string;
let coordinator: RunningCoordinator | undefined;
const running: RunningProgram[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-say-'));
  const rows = ['image,label,patient'];
  const images = join(directory, 'kowalczyk-archive');
  await cp(await mkdtemp(join(tmpdir(), 'consilium-empty-')), images, { recursive: true });
  for (let k = 0; k < IMAGES; k++) {
    const label = LABELS[k % 3] ?? 'normal';
    await writeFile(join(images, `kowalczyk-${k}.jpg`), await film(`say/${k}`, label));
    rows.push(`kowalczyk-${k}.jpg,${label},MRN-84713-${k}`);
  }
  await writeFile(join(images, 'manifest.csv'), `${rows.join('\n')}\n`);
});
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    if (child.exitCode === null) child.kill('SIGKILL');
    await ended;
  }
  await coordinator?.close();
  coordinator = undefined;
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

interface Office {
  readonly home: string;
  readonly progress: Progress[];
}

/** A coordinator with one hospital, and a run for it. */
async function convene(name: string, changes: Partial<RunFile> = {}): Promise<Office> {
  const office = await openHome(join(directory, `${name}-office`));
  const home = join(directory, name);
  await joinAll(office, ['north'], () => home);
  const progress: Progress[] = [];
  coordinator = await openCoordinator({
    ...{ home: office, host: '127.0.0.1', port: 0, log: pino({ enabled: false }) },
    progress: (step) => progress.push(step),
  });
  const file = runFileSchema.parse({
    ...{ run: `${name}-run`, study: { name: 'test', labels: [...LABELS] }, mode: 'sealed', head: { kind: 'linear' } },
    ...{ backbone: (await untrainedBackbone()).hash, preprocessing: PREPROCESSING_VERSION },
    ...{ rounds: 2, minHospitals: 1, training: { batchSize: 4 } },
    ...changes,
  });
  await coordinator.begin(runConfig(file, await enrolledHospitals(office)));
  const yaml = {
    coordinator: coordinator.url,
    data: '../kowalczyk-archive',
    cache: '../cache',
    threads: 2,
    modes: ['sealed'],
  };
  await writeFile(join(home, 'hospital.yaml'), JSON.stringify(yaml));
  return { home, progress };
}

const hospital = (home: string, ...args: readonly string[]): Promise<Ending> =>
  runProgram('hospital', [...args, '--home', home], directory);

function begin(home: string, ...args: readonly string[]): RunningProgram {
  const program = startProgram('hospital', ['start', '--home', home, ...args], directory);
  program.ended.catch(() => undefined);
  running.push(program);
  return program;
}

async function writePolicy(home: string, changes: Readonly<Record<string, string>>): Promise<void> {
  await hospital(home, 'policy', 'init');
  const file = join(home, 'policy.yaml');
  let text = await readFile(file, 'utf8');
  for (const [key, value] of Object.entries(changes)) {
    text = text.replace(new RegExp(`^${key}:.*$`, 'm'), `${key}: ${value}`);
  }
  await writeFile(file, text);
}

const MEETABLE = { trustModes: '[secagg, sealed]', cohortMin: '1', patientsMin: '2' };
const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a policy', () => {
  it('as init writes it refuses a sealed run, by its rule', async () => {
    const { home, progress } = await convene('strict');
    const made = await hospital(home, 'policy', 'init');
    expect(made.stdout).toContain('secagg');
    expect((await stat(join(home, 'policy.yaml'))).mode & 0o777).toBe(0o600);
    expect(await hospital(home, 'policy', 'init')).toMatchObject({ status: 2, stderr: /^POLICY_EXISTS/ as never });
    const ending = await begin(home).ended;
    expect(ending).toMatchObject({ status: 7 });
    expect(ending.stderr).toMatch(/^REFUSED_HERE: .*POLICY: TRUST_MODE_NOT_ALLOWED\n$/);
    expect(progress).toContainEqual(
      expect.objectContaining({ event: 'refused-by-hospital', hospital: 'north', rule: 'TRUST_MODE_NOT_ALLOWED' }),
    );
  });

  it('with a typo stops the start, and names the line', async () => {
    const { home } = await convene('typo');
    await writePolicy(home, { memoryMax: '4' });
    const text = await readFile(join(home, 'policy.yaml'), 'utf8');
    const line = text.split('\n').findIndex((one) => one.startsWith('memoryMax')) + 1;
    for (const command of [['policy', 'check'], ['start']]) {
      const ending = await hospital(home, ...command);
      expect(ending.status).toBe(2);
      expect(ending.stderr).toMatch(new RegExp(`^POLICY_INVALID: .*line ${line}: memoryMax: .*unit`));
    }
  });
});

describe('approval, journal and dry run', () => {
  it('rehearses the mode secagg to the opened sum: the same update as unmasked, under a vector that shows nothing', async () => {
    const { home, progress } = await convene('rehearsed');
    const yaml = JSON.parse(await readFile(join(home, 'hospital.yaml'), 'utf8')) as object;
    const dryRun = async (mode: 'sealed' | 'secagg', k: number) => {
      await writeFile(join(home, `${mode}.yaml`), JSON.stringify({ ...yaml, modes: [mode] }));
      const out = join(directory, `${mode}-${k}`);
      const args = ['--config', join(home, `${mode}.yaml`), '--out', out, '--format', 'json'];
      const { status, stdout, stderr } = await hospital(home, 'dry-run', ...args);
      expect([status, stderr]).toEqual([0, '']);
      const summary = JSON.parse(stdout) as {
        messages: { type: string; file: string; sha256: string }[];
        update: { examples: number; loss: number; l2Norm: number; blobBytes: number; parameters: number };
      };
      const chunk = summary.messages.find(({ type }) => type === 'update.chunk')?.file ?? '';
      return { ...summary, blob: await readFile(join(out, chunk)) };
    };
    const [open, masked, again] = [await dryRun('sealed', 1), await dryRun('secagg', 1), await dryRun('secagg', 2)];
    expect(masked.messages.map(({ type }) => type)).toEqual(
      'hello prove sync about consent advert shares deliveries.read update.offer update.chunk update.commit agree unmask'.split(
        ' ',
      ),
    );
    expect(masked.update).toMatchObject({ examples: open.update.examples, parameters: open.update.parameters });
    // One step of the ring is 100 * 10,000 / 2^23 / images: too coarse for small updates, so that only norms are compared.
    expect(Math.abs(masked.update.l2Norm - open.update.l2Norm)).toBeLessThan(0.5);
    expect(masked.update.loss).toBeCloseTo(open.update.loss, 2);
    // Every byte value about as often as any other, and no two runs alike.
    expect(masked.blob).toHaveLength(masked.update.blobBytes);
    const counts = new Array<number>(256).fill(0);
    for (const byte of masked.blob) counts[byte] = (counts[byte] ?? 0) + 1;
    const expected = masked.blob.length / 256;
    const chi2 = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: above 400 once in 10^8.
    expect(chi2).toBeLessThan(400);
    const same = masked.blob.reduce((sum, byte, k) => sum + Number(byte === again.blob[k]), 0);
    expect(same).toBeLessThan(masked.blob.length / 100);
    expect(progress.filter(({ event }) => event === 'connected')).toEqual([]);
  });

  it('go together through a run', async () => {
    const { home, progress } = await convene('approved');
    await writePolicy(home, MEETABLE);
    const before = await hospital(home, 'dry-run', '--format', 'json');
    expect(before).toMatchObject({ status: 0 });
    expect(progress.filter(({ event }) => event === 'connected')).toEqual([]);
    expect(existsSync(join(home, 'egress.jsonl'))).toBe(false);
    const rehearsed = JSON.parse(before.stdout) as {
      folder: string;
      messages: { type: string; sizeBytes: number; file: string }[];
      update: { blobBytes: number; l2Norm: number; parameters: number };
    };
    expect(rehearsed.update).toMatchObject({ parameters: 2_048 * 3 + 3 });
    expect(rehearsed.update.l2Norm).toBeGreaterThan(0);

    const node = begin(home);
    await node.printed(/waiting for a person here: consilium-hospital approve/);
    const [hash] = (await readdir(join(home, 'approvals', 'pending'))).map((name) => name.slice(0, 64));
    expect(await hospital(home, 'approve')).toMatchObject({ status: 2, stderr: /^APPROVAL_NEEDS_HASH/ as never });
    const other = await hospital(home, 'approve', '--hash', 'ab'.repeat(32), '--yes');
    expect(other.stderr).toMatch(/^APPROVAL_UNKNOWN/);
    expect(progress.filter(({ event }) => event === 'consented')).toEqual([]);
    const approved = await hospital(home, 'approve', '--hash', String(hash), '--yes', '--by', 'Dr. Weiß');
    expect(approved).toMatchObject({ status: 0 });
    for (const words of [String(hash), 'EACH UPDATE OF THIS HOSPITAL', 'normal, pneumonia, covid', 'noise: NONE']) {
      expect(approved.stdout).toContain(words);
    }
    expect((await node.ended).status).toBe(0);
    expect(progress).toContainEqual(expect.objectContaining({ event: 'ended', outcome: 'finished' }));

    const listed = jsonLines((await hospital(home, 'egress', 'list', '--format', 'json')).stdout);
    const kinds = new Set(listed.map(({ type }) => type));
    expect(kinds).toEqual(
      new Set([
        'hello',
        'prove',
        'sync',
        'about',
        'consent',
        'update.offer',
        'update.chunk',
        'update.commit',
        'blob.read',
        'evaluation',
      ]),
    );
    // What was rehearsed is what left, of each kind and for the same head.
    const uploads = listed.filter(({ type }) => type === 'update.chunk');
    expect(uploads.map(({ sizeBytes, round }) => [sizeBytes, round])).toEqual([
      [rehearsed.update.blobBytes, 1],
      [rehearsed.update.blobBytes, 2],
    ]);
    expect(new Set(rehearsed.messages.map(({ type }) => type))).toEqual(kinds);
    expect(await hospital(home, 'egress', 'verify')).toMatchObject({ status: 0, stdout: /^whole: / as never });
    expect(jsonLines((await hospital(home, 'egress', 'tail', '-n', '2', '--format', 'json')).stdout)).toEqual(
      listed.slice(-2),
    );

    const written = await Promise.all(
      [
        ...['egress.jsonl', 'hospital.log', 'node.pid'],
        ...rehearsed.messages.map(({ file }) => join('dry-run', file)),
        'dry-run/summary.json',
      ].map((file) => readFile(join(home, file), 'latin1')),
    );
    for (const canary of CANARIES) {
      for (const text of written) expect(text.includes(canary) && !text.includes('"folder"')).toBe(false);
    }
    const journal = join(home, 'egress.jsonl');
    await writeFile(journal, (await readFile(journal, 'utf8')).replace('"type":"consent"', '"type":"sync"'));
    expect(await hospital(home, 'egress', 'verify')).toMatchObject({ status: 5 });
  });
});

/** Long enough to be stopped in: it would take minutes. */
const ENDLESS: Partial<RunFile> = { training: { epochs: 1_000, batchSize: 1 } as RunFile['training'], rounds: 50 };

describe('a stop', () => {
  it('ends a training within a second, the coordinator dead, and holds for the service until a person starts', async () => {
    const { home } = await convene('stopped', ENDLESS);
    const node = begin(home);
    await node.printed(/round 1: training/);
    await coordinator?.close();
    coordinator = undefined;
    const endedMs = node.ended.then(() => Date.now());
    const stopped = await hospital(home, 'stop', '--now', '--format', 'json');
    const ending = await node.ended;
    // The first thing that the command does is to write down what was wished: its own start does not count.
    const tookMs = (await endedMs) - (await stat(join(home, 'stopped'))).mtimeMs;
    expect(stopped).toMatchObject({ status: 0 });
    expect(JSON.parse(stopped.stdout)).toEqual({ ending: 'ended' });
    expect(ending).toMatchObject({ status: 8 });
    expect(ending.stderr).toMatch(/^STOPPED: /);
    expect(tookMs).toBeLessThan(1_000);
    expect(await readdir(join(home, 'runs', 'stopped-run'))).toEqual(['memory.json']);
    const service = await hospital(home, 'start', '--service');
    expect(service).toMatchObject({ status: 8, stderr: /^STOPPED: / as never });
    expect((await hospital(home, 'status')).stdout).toContain('stopped by a person');
    const again = begin(home);
    await again.printed(/does not answer/);
    expect(existsSync(join(home, 'stopped'))).toBe(false);
    expect(await hospital(home, 'start')).toMatchObject({ status: 2, stderr: /^ALREADY_RUNNING: / as never });
    expect(await hospital(home, 'egress', 'verify')).toMatchObject({ status: 0 });
  });

  it('kills a node that does not listen any more', async () => {
    const { home } = await convene('deaf', ENDLESS);
    const node = begin(home);
    await node.printed(/round 1: training/);
    node.child.kill('SIGSTOP');
    const stopped = await hospital(home, 'stop', '--now', '--format', 'json');
    expect(JSON.parse(stopped.stdout)).toEqual({ ending: 'killed' });
    expect((await node.ended).status).toBeNull();
  });

  it('without --now lets the round end first', async () => {
    const { home, progress } = await convene('patient', {
      rounds: 1_000,
      training: { epochs: 20, batchSize: 1 } as RunFile['training'],
    });
    const node = begin(home);
    await node.printed(/round 1: training/);
    expect((await hospital(home, 'stop')).status).toBe(0);
    expect(await node.ended).toMatchObject({ status: 8 });
    await until(() => progress.some(({ event }) => event === 'disconnected'));
    const done = progress.filter(({ event }) => event === 'round-done').length;
    expect(progress.filter(({ event }) => event === 'evaluation').length).toBe(done);
    expect(done).toBeGreaterThan(0);
  });
});

describe('a running node', () => {
  it('says what it does, pauses and goes on', async () => {
    const { home, progress } = await convene('paused', { rounds: 1_000, minHospitals: 1 });
    const node = begin(home);
    await node.printed(/round 2: training/);
    const status = JSON.parse((await hospital(home, 'status', '--format', 'json')).stdout) as { node: object };
    expect(status).toMatchObject({ running: true, paused: false, node: { pid: node.child.pid, line: 'connected' } });
    expect((await hospital(home, 'pause')).status).toBe(0);
    await node.printed(/no update, PAUSED/);
    expect((await hospital(home, 'status')).stdout).toContain('paused');
    expect((await hospital(home, 'logs', '-n', '5')).stdout.trim().split('\n').length).toBe(5);
    expect((await hospital(home, 'resume')).status).toBe(0);
    expect(progress.some(({ event }) => event === 'round-done')).toBe(true);
    expect(await hospital(home, 'leave', '--yes')).toMatchObject({ status: 2, stderr: /^ALREADY_RUNNING/ as never });
    await hospital(home, 'stop', '--now');
    expect(await hospital(home, 'leave')).toMatchObject({ status: 2, stderr: /^NEEDS_YES/ as never });
    await writeFile(join(directory, 'cache', 'not-ours.txt'), 'stays');
    const left = await hospital(home, 'leave', '--yes', '--format', 'json');
    expect(left.status).toBe(0);
    const { removed, kept } = JSON.parse(left.stdout) as { removed: { path: string }[]; kept: string[] };
    expect(removed.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['identity.key', 'runs', 'coordinator-card.json']),
    );
    expect((await readdir(home)).sort()).toEqual(kept);
    expect(kept).toEqual(['egress.head', 'egress.jsonl', 'hospital.log', 'hospital.yaml']);
    expect(await readdir(join(directory, 'cache'))).toEqual(['not-ours.txt']);
    await hospital(home, 'leave', '--yes', '--all');
    expect(await readdir(home)).toEqual([]);
  });
});
