/**
 * Claims: whichever call to the database or to the files fails, before it has an effect or after it had all of it,
 * (1) the caller gets STORE_UNAVAILABLE and no acknowledgement; (2) a program that opens the store next finds the state
 * before that step or the state after it, never one between; (3) repeating the step with the same arguments, and going on,
 * ends in the state of a run without faults, on a store that is opened anew and on the very one that failed, whether the
 * bytes of blobs are files or rows; (4) no bytes are left that no row names; (5) a blob whose fsync failed is sent again and
 * completed. Oracle: the same steps without faults.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BlobFolder } from './blob-folder.js';
import { blobPieces } from './blob-pieces.js';
import { SqlBlobStore, type BlobContents } from './blobs.js';
import type { Database, Query } from './database.js';
import { openEmbeddedStore } from './embedded-store.js';
import { StoreError } from './errors.js';
import type { RunStore } from './run-store.js';
import { SqlRunStore } from './sql-run-store.js';
import { SqliteDatabase } from './sqlite.js';

type Mode = 'fails' | 'fails-but-persisted';
type Bytes = 'files' | 'rows';
/** Who repeats the step that failed. */
type Repeater = 'another program' | 'the same program';

/** Lets every call pass but the nth. */
class Fault {
  calls = 0;
  constructor(
    private readonly nth: number,
    private readonly mode: Mode,
  ) {}

  get hit(): boolean {
    return this.calls >= this.nth;
  }

  /** @param silent - of a call that promises not to reject. */
  async around<T>(call: () => Promise<T>, silent?: T): Promise<T> {
    if (++this.calls !== this.nth) return call();
    if (this.mode === 'fails-but-persisted') await call();
    if (silent !== undefined) return silent;
    throw new StoreError('STORE_UNAVAILABLE', 'injected');
  }
}

function failingDatabase(database: Database, fault: Fault): Database {
  const failing =
    (query: Query): Query =>
    (sql, values) =>
      fault.around(() => query(sql, values));
  return {
    dialect: database.dialect,
    read: failing(database.read),
    scrub: () => database.scrub(),
    close: () => database.close(),
    // Each statement is a call; so is the commit, which alone can fail and still have an effect.
    transaction: async (work) => {
      let refusal: unknown;
      const result = await database.transaction(async (query) => {
        const done = await work(failing(query));
        let reached = false;
        await fault
          .around(() => {
            reached = true;
            return Promise.resolve();
          })
          .catch((error: unknown) => {
            if (!reached) throw error;
            refusal = error;
          });
        return done;
      });
      if (refusal instanceof StoreError) throw refusal;
      return result;
    },
  };
}

const failingContents = (contents: BlobContents, fault: Fault): BlobContents => ({
  receivedBytes: (...args) => fault.around(() => contents.receivedBytes(...args)),
  write: (...args) => fault.around(() => contents.write(...args)),
  read: (...args) => fault.around(() => contents.read(...args)),
  sync: (content) => fault.around(() => contents.sync(content)),
  discard: async (names) => {
    await fault.around(() => contents.discard(names).then(() => true), true);
  },
  close: () => contents.close(),
});

const vector = Uint8Array.from({ length: 3_000 }, (_, i) => (i * 7) % 251);
const sha256 = createHash('sha256').update(vector).digest('hex');
const lease = { holder: 'first', token: 1 };

const steps: readonly ((store: RunStore) => Promise<unknown>)[] = [
  (store) => store.createRun(lease, { runId: 'r', config: '{}', createdAt: 'now' }),
  (store) =>
    store.append(lease, 'r', 0, [
      { event: '{"i":0}', documents: [{ digest: 'd', kind: 'plan', body: 'b' }] },
      { event: '{"i":1}', secrets: ['a', 'b'].map((name) => ({ name, value: vector.subarray(0, 32) })) },
    ]),
  (store) => store.blobs.begin(lease, 'r', 'update/1/a', vector.length),
  (store) => store.blobs.append(lease, 'r', 'update/1/a', 0, vector.subarray(0, 2_000)),
  (store) => store.blobs.append(lease, 'r', 'update/1/a', 2_000, vector.subarray(2_000)),
  (store) => store.blobs.complete(lease, 'r', 'update/1/a', sha256),
  (store) => store.append(lease, 'r', 2, [{ event: '{"i":2}', secrets: [{ name: 'a', value: undefined }] }]),
  (store) => store.blobs.begin(lease, 'r', 'model/1', vector.length),
  (store) => store.blobs.append(lease, 'r', 'model/1', 0, vector),
  (store) => store.blobs.complete(lease, 'r', 'model/1', sha256),
  (store) => store.blobs.remove(lease, 'r', 'update'),
  (store) => store.append(lease, 'r', 3, [{ event: '{"i":3}', ended: true }]),
];

async function state(store: RunStore): Promise<string> {
  const events: string[] = [];
  if ((await store.runs()).length > 0) for await (const { event } of store.events('r')) events.push(event);
  const documents: unknown[] = [];
  for await (const document of store.documents('r')) documents.push(document);
  const secrets = await Promise.all(['a', 'b'].map(async (name) => (await store.secret('r', name))?.length));
  const blobs = await Promise.all(
    ['update/1/a', 'model/1'].map(async (name) => {
      const size = await store.blobs.size('r', name);
      const bytes = size === undefined ? undefined : await store.blobs.read('r', name, 0, size);
      const digest = bytes && createHash('sha256').update(bytes).digest('hex');
      return { received: await store.blobs.received('r', name), size, digest };
    }),
  );
  return JSON.stringify({ runs: await store.runs(), events, documents, secrets, blobs });
}

let root: string;
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'consilium-faults-'));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** An empty store with a leader, in its own folder. */
async function begun(): Promise<string> {
  const folder = join(root, String(folders++));
  const store = await openEmbeddedStore(folder);
  expect(await store.acquireLease(lease.holder, 60_000)).toEqual(lease);
  await store.close();
  return folder;
}

/** The tables of PostgreSQL's contents, in SQLite. */
const PIECES = `CREATE TABLE IF NOT EXISTS blob_piece (
  content TEXT NOT NULL REFERENCES blob (content) ON DELETE CASCADE, first_byte INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (content, first_byte))`;

async function openWith(folder: string, bytes: Bytes, fault?: Fault): Promise<RunStore> {
  const database = await SqliteDatabase.open(join(folder, 'store.sqlite'));
  if (bytes === 'rows') await database.transaction((query) => query(PIECES));
  const contents = bytes === 'rows' ? blobPieces : await BlobFolder.open(join(folder, 'blobs'), database.read);
  const failing = fault === undefined ? database : failingDatabase(database, fault);
  const failingBytes = fault === undefined ? contents : failingContents(contents, fault);
  return new SqlRunStore(failing, new SqlBlobStore(failing, failingBytes));
}

/** Contents that are stored, whether a row names them or not. */
async function storedContents(folder: string, bytes: Bytes): Promise<number> {
  // What a cut-off removal left goes with the next opening.
  await (await openWith(folder, bytes)).close();
  if (bytes === 'files') return (await readdir(join(folder, 'blobs'))).length;
  const database = await SqliteDatabase.open(join(folder, 'store.sqlite'));
  const rows = await database.read('SELECT DISTINCT content FROM blob_piece');
  await database.close();
  return rows.length;
}

async function cleanStates(bytes: Bytes): Promise<{ states: string[]; calls: number }> {
  const folder = await begun();
  const counter = new Fault(Number.POSITIVE_INFINITY, 'fails');
  const [counted, watcher] = [await openWith(folder, bytes, counter), await openWith(folder, bytes)];
  const states = [await state(watcher)];
  for (const step of steps) {
    await step(counted);
    states.push(await state(watcher));
  }
  await Promise.all([counted.close(), watcher.close()]);
  return { states, calls: counter.calls };
}

/** @returns what went wrong, if anything. */
async function fault(
  nth: number,
  { mode, bytes, repeater }: { readonly mode: Mode; readonly bytes: Bytes; readonly repeater: Repeater },
  states: readonly string[],
): Promise<string | undefined> {
  const folder = await begun();
  const injected = new Fault(nth, mode);
  const failing = await openWith(folder, bytes, injected);
  let at = 0;
  let code: string | undefined;
  for (; at < steps.length && code === undefined; at++) {
    code = await steps[at]?.(failing).then(
      () => undefined,
      (error: unknown) => (error instanceof StoreError ? error.code : 'another error'),
    );
  }
  if (!injected.hit) return 'the fault was not reached';
  // The failed program is still there, as one that hangs, or to try again.
  const reopened = await openWith(folder, bytes);
  const failedStep = code === undefined ? steps.length : at - 1;
  const found = await state(reopened);
  const acceptable = [states[failedStep], states[code === undefined ? failedStep : failedStep + 1]];
  const again = repeater === 'the same program' ? failing : reopened;
  const repeated = await inTurn(steps.slice(failedStep), again).catch((error: unknown) => String(error));
  const ended = repeated ?? (await state(reopened).catch((error: unknown) => String(error)));
  await Promise.all([failing.close(), reopened.close()]);
  const contents = await storedContents(folder, bytes);
  await rm(folder, { recursive: true });

  if (code !== undefined && code !== 'STORE_UNAVAILABLE') return `code ${code}`;
  if (!acceptable.includes(found)) return `after step ${failedStep} failed: ${found}`;
  if (ended !== states.at(-1)) return `ended in ${ended}`;
  return contents === 1 ? undefined : `${contents} contents for one blob`;
}

async function inTurn(left: typeof steps, store: RunStore): Promise<undefined> {
  for (const step of left) await step(store);
}

const CASES = (['fails', 'fails-but-persisted'] as const).flatMap((mode) =>
  (['files', 'rows'] as const).flatMap((bytes) =>
    (['another program', 'the same program'] as const).map((repeater) => ({ mode, bytes, repeater })),
  ),
);

describe('each call fails', () => {
  it.each(CASES)('$mode; bytes in $bytes; repeated by $repeater', async (which) => {
    const { states, calls } = await cleanStates(which.bytes);
    expect(calls).toBeGreaterThan(60);
    const wrong: string[] = [];
    for (let nth = 1; nth <= calls; nth++) {
      const complaint = await fault(nth, which, states);
      if (complaint !== undefined) wrong.push(`call ${nth}: ${complaint}`);
    }
    expect(wrong).toEqual([]);
  });
});

/** Two halves of `update/1/a`, by one program. */
async function sent(store: RunStore): Promise<number> {
  await store.blobs.append(lease, 'r', 'update/1/a', 0, vector.subarray(0, 2_000));
  return store.blobs.append(lease, 'r', 'update/1/a', 2_000, vector.subarray(2_000));
}

async function withBlobBegun(bytes: Bytes): Promise<{ folder: string; store: RunStore }> {
  const folder = await begun();
  const store = await openWith(folder, bytes);
  await store.createRun(lease, { runId: 'r', config: '{}', createdAt: 'now' });
  await store.blobs.begin(lease, 'r', 'update/1/a', vector.length);
  return { folder, store };
}

it('sends a blob again whose fsync failed, to the very same program', async () => {
  const { folder, store } = await withBlobBegun('files');
  await sent(store);
  const probe = await open(folder, 'r');
  const handles = Object.getPrototypeOf(probe) as { sync(): Promise<void> };
  await probe.close();
  vi.spyOn(handles, 'sync').mockRejectedValueOnce(Object.assign(new Error('EIO'), { code: 'EIO' }));
  await expect(store.blobs.complete(lease, 'r', 'update/1/a', sha256)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  vi.restoreAllMocks();
  expect(await store.blobs.received('r', 'update/1/a')).toBe(0);
  expect(await sent(store)).toBe(vector.length);
  await store.blobs.complete(lease, 'r', 'update/1/a', sha256);
  expect(await store.blobs.read('r', 'update/1/a', 0, 3_000)).toEqual(vector);
  await store.close();
});
