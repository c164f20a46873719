/**
 * Claims: (1) a process that is killed with SIGKILL loses nothing that it acknowledged, and leaves no event half, no blob
 * complete that is not whole; (2) of two processes on one folder one writes, and the other takes over when it is let;
 * (3) a full disk and a read-only folder are said by their codes, acknowledge nothing, and need no repair afterwards.
 * Oracle: the lines that the killed process printed; a file system that is really full, really read-only.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openEmbeddedStore } from '@consilium/store';
import { SeededRandom } from '@consilium/tensors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { digestOf, event, eventsOf, lead, LONG_MS, outcome, sameBytes } from './store-calls.js';

const WRITER = join(import.meta.dirname, '..', 'dist', 'stores', 'writer.js');
const KILLS = 20;

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-crash-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) await kill(child);
  await rm(folder, { recursive: true, force: true });
});

interface Heard {
  leases: number;
  events: number;
  readonly blobs: string[];
}

function write(holder: string, heard: Heard): ChildProcess {
  const child = spawn(process.execPath, [WRITER, folder, holder], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [what, value = ''] = line.split(' ');
    if (what === 'lease') heard.leases++;
    if (what === 'events') heard.events = Number(value);
    if (what === 'blob') heard.blobs.push(value);
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // 'close' comes after the last line of what it printed.
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

describe('a killed process', () => {
  it(`loses nothing that it acknowledged, ${KILLS} times in a row`, { timeout: 120_000 }, async () => {
    const random = new SeededRandom('kills');
    const heard: Heard = { leases: 0, events: 0, blobs: [] };
    for (let time = 1; time <= KILLS; time++) {
      const already = heard.events;
      const child = write('writer', heard);
      await until(() => heard.events > already + random.integer(60));
      await kill(child);

      const store = await openEmbeddedStore(folder);
      const events = await eventsOf(store, 'r');
      expect(events.length).toBeGreaterThanOrEqual(heard.events);
      expect(events).toEqual(events.map((_, seq) => JSON.stringify({ seq })));
      for (const name of heard.blobs) {
        const seq = name.split('/')[1] ?? '';
        const size = (await store.blobs.size('r', name)) ?? 0;
        const expected = Buffer.alloc(196_609, seq);
        expect(sameBytes(await store.blobs.read('r', name, 0, size), expected)).toBe(true);
      }
      heard.blobs.splice(0);
      await store.close();
      heard.events = events.length;
    }
    expect(heard.leases).toBe(KILLS);
  });

  it('leaves a torn blob that does not count, and that is finished or discarded by its digest', async () => {
    const heard: Heard = { leases: 0, events: 0, blobs: [] };
    const random = new SeededRandom('torn');
    let torn = 0;
    for (let time = 0; time < 40 && torn < 3; time++) {
      const [already, eventsAlready] = [heard.blobs.length, heard.events];
      const child = write('writer', heard);
      await until(() => heard.blobs.length > already + random.integer(3) && heard.events > eventsAlready);
      await kill(child);
      const store = await openEmbeddedStore(folder);
      const lease = await lead(store, 'writer');
      const events = (await store.runs())[0]?.events ?? 0;
      for (let seq = 0; seq <= events; seq += 5) {
        const name = `update/${seq}`;
        const received = await store.blobs.received('r', name);
        if (received === undefined || (await store.blobs.size('r', name)) !== undefined) continue;
        torn++;
        expect(await outcome(store.blobs.read('r', name, 0, 1))).toBe('BLOB_UNKNOWN');
        const bytes = Buffer.alloc(196_609, String(seq));
        if (received < bytes.length) {
          expect(await outcome(store.blobs.complete(lease, 'r', name, digestOf(bytes)))).toBe('BLOB_GAP');
        }
        await store.blobs.append(lease, 'r', name, received, bytes.subarray(received));
        expect(await outcome(store.blobs.complete(lease, 'r', name, digestOf(bytes)))).toBe('resolved');
      }
      await store.close();
    }
    // The kill falls between two chunks often enough; were it never to, this test would have tested nothing.
    expect(torn).toBeGreaterThan(0);
  });
});

it('lets one of two processes write, and the other when the first has been fenced', async () => {
  const [first, second]: Heard[] = [
    { leases: 0, events: 0, blobs: [] },
    { leases: 0, events: 0, blobs: [] },
  ];
  if (first === undefined || second === undefined) throw new Error('two records');
  const leader = write('first', first);
  await until(() => first.events > 20);
  const waiting = write('second', second);
  const watcher = await openEmbeddedStore(folder);
  const seen = first.events;
  await until(() => first.events > seen + 50);
  expect(second.leases).toBe(0);
  expect(await watcher.acquireLease('third', LONG_MS)).toBeUndefined();

  await kill(leader);
  // Its lease runs for another minute: its own name takes it, and gives it back.
  await watcher.releaseLease(await lead(watcher, 'first'));
  const before = (await watcher.runs())[0]?.events ?? Number.NaN;
  await until(() => second.events > before);
  await kill(waiting);
  expect(await eventsOf(watcher, 'r')).toHaveLength((await watcher.runs())[0]?.events ?? Number.NaN);
  await watcher.close();
});

it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
  'says that a folder is read-only to its user (root may write everywhere)',
  async () => {
    await (await openEmbeddedStore(join(folder, 'store'))).close();
    await chmod(join(folder, 'store'), 0o555);
    expect(await outcome(openEmbeddedStore(join(folder, 'store')))).toBe('STORE_READ_ONLY');
    await chmod(join(folder, 'store'), 0o700);
    await (await openEmbeddedStore(join(folder, 'store'))).close();
  },
);

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const mount = (...args: string[]): Buffer => execFileSync('mount', args, { stdio: 'pipe' });
const canMount = ((): boolean => {
  if (!isRoot) return false;
  try {
    // A container's root may lack the right to mount.
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!canMount)(`a file system of its own ${canMount ? '' : '(skipped: only root may mount one)'}`, () => {
  let disk: string;
  let mounted: string[];
  beforeEach(async () => {
    disk = join(folder, 'disk');
    mounted = [];
    await mkdir(disk);
    mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk);
    mounted.push(disk);
  });
  afterEach(() => {
    // Lazily: libsql keeps a closed file open until its connection is collected as garbage.
    for (const path of mounted.reverse()) execFileSync('umount', ['-l', path]);
  });

  it('that is full refuses events and blobs with STORE_FULL, keeps the rest, and goes on when there is room', async () => {
    const store = await openEmbeddedStore(disk);
    const lease = await lead(store);
    await store.createRun(lease, { runId: 'r', config: '{}', createdAt: 'now' });
    const bytes = new Uint8Array(8_192).fill(5);
    await store.blobs.begin(lease, 'r', 'a', bytes.length);
    const entry = (i: number): { event: string } => ({ event: JSON.stringify({ i, fill: 'x'.repeat(20_000) }) });
    let acknowledged = 0;
    let code = 'resolved';
    while (code === 'resolved' && acknowledged < 1_000) {
      code = await outcome(store.append(lease, 'r', acknowledged, [entry(acknowledged)]));
      if (code === 'resolved') acknowledged++;
    }
    expect(code).toBe('STORE_FULL');
    // The last free pages, so that a blob finds none either.
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${join(disk, 'fill')}`, 'bs=4096'], { stdio: 'pipe' });
    } catch {
      // dd says that the disk is full, which is what it is for.
    }
    expect(await outcome(store.blobs.append(lease, 'r', 'a', 0, bytes))).toBe('STORE_FULL');
    expect(await eventsOf(store, 'r')).toHaveLength(acknowledged);

    mount('-o', 'remount,size=8m', disk);
    for (const opened of [store, await openEmbeddedStore(disk)]) {
      expect(await outcome(opened.append(lease, 'r', acknowledged, [entry(acknowledged)]))).toBe('resolved');
      await opened.blobs.append(lease, 'r', 'a', 0, bytes);
      await opened.blobs.complete(lease, 'r', 'a', digestOf(bytes));
      expect(await eventsOf(opened, 'r')).toHaveLength(acknowledged + 1);
      await opened.close();
    }
  });

  it('that is full before anything is in it cannot be opened, with STORE_FULL', async () => {
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${join(disk, 'fill')}`, 'bs=4096'], { stdio: 'pipe' });
    } catch {
      // As above.
    }
    expect(await outcome(openEmbeddedStore(disk))).toBe('STORE_FULL');
    await rm(join(disk, 'fill'));
    const store = await openEmbeddedStore(disk);
    await lead(store);
    await store.close();
  });

  it('that is read-only is said so when it is opened, whether there is a store in it or not', async () => {
    const view = join(folder, 'view');
    await mkdir(view);
    const filled = await openEmbeddedStore(join(disk, 'filled'));
    const lease = await lead(filled);
    await filled.createRun(lease, { runId: 'r', config: '{}', createdAt: 'now' });
    mount('--bind', disk, view);
    mounted.push(view);
    mount('-o', 'remount,bind,ro', view);
    expect(await outcome(openEmbeddedStore(join(view, 'filled')))).toBe('STORE_READ_ONLY');
    expect(await outcome(openEmbeddedStore(join(view, 'empty')))).toBe('STORE_READ_ONLY');
    expect(await outcome(filled.append(lease, 'r', 0, [event(0)]))).toBe('resolved');
    await filled.close();
  });
});
