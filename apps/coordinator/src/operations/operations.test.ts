/**
 * Claims: a measured store is the store, and times each append, also one that fails; metrics count what happened and label
 * open runs only; readiness follows the lead and the store, within its limit; a waiting coordinator is alive and not ready,
 * and a taken port is a complaint with its number; snapshots keep what the policy says, the best and the newest two always,
 * are there whole or not at all, and what a crash has cut off of them is written later.
 * Oracle: stores written here, the exposition format, the file system.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Digest, HospitalId, RunConfig, RunId } from '@consilium/protocol';
import type { CoordinatorState } from '@consilium/rounds';
import { openEmbeddedStore, StoreError, type Lease, type RunStore } from '@consilium/store';
import type { PastRound } from '../api/history.js';
import { Health } from './health.js';
import { measuredStore } from './measured-store.js';
import { Metrics } from './metrics.js';
import { modelsInUse, Snapshots, type SnapshotPolicy } from './snapshots.js';
import { answerAsStandby } from './standby.js';
import { urlOf } from './address.js';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-operations-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('measuredStore', () => {
  it('is the store, and times what it appends', async () => {
    await inFolder(async (folder) => {
      const observer = { appended: vi.fn(), failed: vi.fn() };
      const store = measuredStore(await openEmbeddedStore(folder), observer);
      const lease = (await store.acquireLease('me', 60_000)) as Lease;
      await store.createRun(lease, { runId: 'run', config: '{}', createdAt: 'now' });
      await store.append(lease, 'run', 0, [{ event: '{"type":"x"}' }]);
      await expect(store.append(lease, 'none', 0, [{ event: '{}' }])).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
      expect(observer.appended).toHaveBeenCalledTimes(2);
      expect(observer.appended.mock.calls.every(([seconds]) => (seconds as number) > 0)).toBe(true);
      expect(observer.failed.mock.calls).toEqual([['RUN_UNKNOWN']]);
      const events = [];
      for await (const { event } of store.events('run')) events.push(event);
      expect(events).toEqual(['{"type":"x"}']);
      expect(await store.blobs.size('run', 'model/x')).toBeUndefined();
      await store.close();
    });
  });
});

describe('Metrics', () => {
  it('counts what happened, and labels open runs only', async () => {
    const run = 'open' as RunId;
    const [a, b] = ['a', 'b'] as HospitalId[] as [HospitalId, HospitalId];
    const runs = [
      { runId: 'open', state: { phase: 'collecting' } as CoordinatorState },
      { runId: 'over', state: { phase: 'ended' } as CoordinatorState },
    ];
    const metrics = new Metrics(() => ({ runs, connected: 3 }));
    metrics.note({ event: 'update', run, round: 1, hospital: a, bytes: 100 });
    const done = {
      event: 'round-done' as const,
      run,
      seconds: 1,
      hospitals: [{ id: a, trainExamples: 1, loss: 1 }],
      totals: { weight: 1, loss: 1 },
    };
    metrics.note({ ...done, round: 1, missing: [] });
    metrics.note({ ...done, round: 2, missing: [b] });
    metrics.note({ event: 'refused', hospital: undefined, request: 'sync', code: 'NOT_AUTHENTICATED' });
    metrics.appended(0.004);
    const text = await metrics.text();
    for (const line of [
      'consilium_rounds_total{outcome="complete"} 1',
      'consilium_rounds_total{outcome="partial"} 1',
      'consilium_dropouts_total 1',
      'consilium_updates_total 1',
      'consilium_update_bytes_total 100',
      'consilium_refusals_total{code="NOT_AUTHENTICATED"} 1',
      'consilium_store_append_seconds_count 1',
      'consilium_connected_hospitals 3',
      'consilium_run_stage{run="open",stage="collecting"} 1',
      'consilium_run_stage{run="open",stage="gathering"} 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
    expect(text).not.toContain('over');
    runs.shift();
    expect(await metrics.text()).not.toContain('run="open"');
  });
});

describe('Health', () => {
  it.each([
    [true, () => Promise.resolve(), { leads: true, store: 'ok' }],
    [false, () => Promise.resolve(), { leads: false, store: 'ok' }],
    [true, () => Promise.reject(new StoreError('STORE_FULL', 'x')), { leads: true, store: 'failed' }],
  ] as const)('leads %s: %s', async (leads, health, readiness) => {
    expect(await new Health({ health }, () => leads).readiness()).toEqual(readiness);
  });

  it('does not wait for a store that hangs, and asks it once', async () => {
    vi.useFakeTimers();
    const hangs = vi.fn(() => new Promise<void>(() => undefined));
    const health = new Health({ health: hangs }, () => true);
    const answers = Promise.all([health.readiness(), health.readiness()]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await answers).toEqual(Array(2).fill({ leads: true, store: 'slow' }));
    expect(hangs).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });

  it('asks again after a second', async () => {
    vi.useFakeTimers();
    const store = vi.fn(() => Promise.resolve());
    const health = new Health({ health: store }, () => true);
    for (let i = 0; i < 20; i++) await health.readiness();
    expect(store).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    store.mockRejectedValue(new StoreError('STORE_FULL', 'x'));
    expect(await health.readiness()).toMatchObject({ store: 'failed' });
    vi.useRealTimers();
  });
});

describe('a coordinator that waits', () => {
  it('is alive, not ready, and makes room', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    await expect(answerAsStandby('127.0.0.1', port)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    free.close();
    await once(free, 'close');
    const stop = await answerAsStandby('127.0.0.1', port);
    const url = urlOf('127.0.0.1', port);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ code: 'NOT_LEADING' });
    await stop();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:1'],
    ['0.0.0.0', 'http://127.0.0.1:1'],
    ['::', 'http://[::1]:1'],
    ['example.org', 'http://example.org:1'],
  ])('%s is reached at %s', (host, url) => {
    expect(urlOf(host, 1)).toBe(url);
  });
});

const digest = (n: number): Digest => n.toString(16).padStart(64, '0') as Digest;
const past = (round: number, model = digest(round)): PastRound => ({
  ...{ round, model, startedAt: '', endedAt: '', cohort: [], updates: [], exclusions: [], totalExamples: 1, loss: 1 },
});

describe('Snapshots', () => {
  const config = {
    ...{ runId: 'run', study: { name: 's', labels: ['x', 'y'] } },
    head: { kind: 'linear', inputs: 1, classes: 2 },
  } as unknown as RunConfig;

  it('keeps the newest two and the best in use, by what they are', () => {
    const rounds = [past(1), past(2), past(3), past(4, digest(1)), past(5)];
    expect([...modelsInUse(rounds, 2)].sort()).toEqual([digest(1), digest(2), digest(5)]);
    expect([...modelsInUse(rounds, undefined)].sort()).toEqual([digest(1), digest(5)]);
    expect(modelsInUse([], undefined).size).toBe(0);
  });

  it.each<[SnapshotPolicy, number[], string[]]>([
    ['all', [1, 2, 3, 4, 5], []],
    ['last', [5], [`model/${digest(1)}`, 'moments/1', 'moments/2', `model/${digest(3)}`, 'moments/3']],
    ['best', [2, 5], [`model/${digest(1)}`, 'moments/1', 'moments/2', `model/${digest(3)}`, 'moments/3']],
  ])('%s leaves the files of rounds %j', async (policy, files, gone) => {
    await inFolder(async (directory) => {
      const removed: string[] = [];
      const blobs = { remove: (_: Lease, __: string, name: string) => Promise.resolve(removed.push(name)) };
      const rounds: PastRound[] = [];
      const snapshots = new Snapshots({
        ...{ directory, policy, lease: () => ({ holder: 'me', token: 1 }) },
        store: { blobs } as unknown as Pick<RunStore, 'blobs'>,
        history: () => Promise.resolve({ history: { rounds }, bestRound: rounds.length < 2 ? undefined : 2 }),
      });
      for (const round of [1, 2, 3, 4, 5]) {
        rounds.push(past(round));
        await snapshots.keep(config, round, new Float32Array(4));
        await writeFile(join(directory, 'models', 'run', 'notes.txt'), 'not ours');
      }
      const names = files.map((round) => `round-0000${round}.safetensors`);
      expect((await readdir(join(directory, 'models', 'run'))).sort()).toEqual(['notes.txt', ...names].sort());
      // Once each, head and moments.
      expect(removed).toEqual(gone);
    });
  });

  /** Snapshots of a run of which the store has the heads of these rounds, and their files. */
  function ofStored(directory: string, policy: SnapshotPolicy, stored: readonly number[]) {
    const rounds = [1, 2, 3, 4].map((round) => past(round));
    const bytes = new Uint8Array(16);
    const has = (name: string): boolean => stored.some((round) => name === `model/${digest(round)}`);
    const blobs = {
      remove: () => Promise.resolve(),
      size: (_: string, name: string) => Promise.resolve(has(name) ? bytes.length : undefined),
      read: () => Promise.resolve(bytes),
    };
    const snapshots = new Snapshots({
      ...{ directory, policy, lease: () => ({ holder: 'me', token: 1 }) },
      store: { blobs } as unknown as Pick<RunStore, 'blobs'>,
      history: () => Promise.resolve({ history: { rounds }, bestRound: 2 }),
    });
    const files = async (): Promise<string[]> => (await readdir(join(directory, 'models', 'run'))).sort();
    return { snapshots, files };
  }
  const nameOf = (round: number): string => `round-0000${round}.safetensors`;

  it.each<[SnapshotPolicy, number[]]>([
    ['all', [1, 2, 4]],
    ['last', [4]],
    ['best', [2, 4]],
  ])('%s writes what a crash has cut off: rounds %j', async (policy, written) => {
    await inFolder(async (directory) => {
      const { snapshots, files } = ofStored(directory, policy, [1, 2, 4]);
      await mkdir(join(directory, 'models', 'run'), { recursive: true });
      await writeFile(join(directory, 'models', 'run', nameOf(1)), 'as it was');
      await snapshots.catchUp(config);
      expect(await files()).toEqual(written.map(nameOf));
      const whole = await readFile(join(directory, 'models', 'run', nameOf(4)));
      await snapshots.keep(config, 4, new Float32Array(4));
      expect(await readFile(join(directory, 'models', 'run', nameOf(4)))).toEqual(whole);
      if (policy === 'all') {
        expect(await readFile(join(directory, 'models', 'run', nameOf(1)), 'utf8')).toBe('as it was');
      }
    });
  });

  it('leaves a file as it was when the new one cannot be written whole', async () => {
    await inFolder(async (directory) => {
      const { snapshots } = ofStored(directory, 'all', []);
      await snapshots.keep(config, 1, new Float32Array(4));
      const file = join(directory, 'models', 'run', nameOf(1));
      const before = await readFile(file);
      await mkdir(`${file}.part`);
      await expect(snapshots.keep(config, 1, Float32Array.of(1, 2, 3, 4))).rejects.toThrow();
      expect(await readFile(file)).toEqual(before);
    });
  });

  it('is at work on one round at a time, and done with all when it is closed', async () => {
    await inFolder(async (directory) => {
      const { snapshots, files } = ofStored(directory, 'last', []);
      const order: number[] = [];
      for (const round of [3, 4]) {
        void snapshots.keep(config, round, new Float32Array(4)).then(async () => {
          order.push(round);
          expect(await files()).toContain(nameOf(round));
        });
      }
      await snapshots.close();
      expect(await files()).toEqual([nameOf(4)]);
      expect(order).toEqual([3, 4]);
    });
  });
});
