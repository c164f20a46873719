/**
 * Claims: (1) a store of schema 1 opens with all its rows and works; a newer one is refused, unchanged; (2) erased keys are
 * in no file of the store; (3) damage is said, not read over; (4) bytes that no row names are cleared away; (5) no message
 * names the folder. Oracle: vectors/schema-1-sqlite.sql, frozen; the files themselves, read as bytes.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEmbeddedStore } from './embedded-store.js';
import { StoreError } from './errors.js';
import type { Lease, RunStore } from './run-store.js';
import { STEPS } from './schema.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-embedded-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const file = (): string => join(folder, 'store.sqlite');

async function begun(): Promise<{ store: RunStore; lease: Lease }> {
  const store = await openEmbeddedStore(folder);
  const lease = (await store.acquireLease('first', 60_000)) as Lease;
  await store.createRun(lease, { runId: 'r', config: '{}', createdAt: 'now' });
  return { store, lease };
}

async function events(store: RunStore, runId: string): Promise<string[]> {
  const out: string[] = [];
  for await (const { at, event } of store.events(runId)) out.push(`${at} ${event}`);
  return out;
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  expect((error as StoreError).message).not.toContain(folder);
  expect(Object.keys(error as StoreError).sort()).toEqual(['code', 'name']);
  return (error as StoreError).code;
}

it('brings a store of schema 1 forward with its rows, once for two that open it', async () => {
  const old = new Libsql(file());
  old.exec(await readFile(new URL('../vectors/schema-1-sqlite.sql', import.meta.url), 'utf8'));
  old.close();
  const [store, other] = await Promise.all([openEmbeddedStore(folder), openEmbeddedStore(folder)]);
  expect(await store.runs()).toEqual([
    { runId: 'run-z', createdAt: '2026-01-01T00:00:00.000Z', ended: true, events: 3 },
    { runId: 'run-b', createdAt: '2026-01-02T00:00:00.000Z', ended: false, events: 1 },
    { runId: 'run-c', createdAt: '2026-01-02T00:00:00.000Z', ended: false, events: 0 },
  ]);
  expect(await events(store, 'run-z')).toEqual([
    '2026-01-01T00:00:00.000Z {"i":0}',
    '2026-01-01T00:00:00.001Z {"i":1}',
    '2026-01-01T00:00:00.002Z {"i":2}',
  ]);
  expect(await store.document('run-z', 'd0')).toBe('second');
  const lease = (await store.acquireLease('new-leader', 60_000)) as Lease;
  expect(lease.token).toBe(42);
  await store.append(lease, 'run-b', 1, [{ event: '{"i":1}', secrets: [{ name: 's', value: new Uint8Array(4) }] }]);
  await store.createRun(lease, { runId: 'run-a', config: '{}', createdAt: '2000' });
  expect((await other.runs()).map(({ runId, events: n }) => [runId, n])).toEqual([
    ['run-z', 3],
    ['run-b', 2],
    ['run-c', 0],
    ['run-a', 0],
  ]);
  await Promise.all([store.close(), other.close()]);
});

it('makes the tables of schema 1 as they were frozen', async () => {
  const shape = (database: Libsql.Database): unknown =>
    database
      .prepare(
        `SELECT m.name AS t, c.name, c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND m.name <> 'schema_version' ORDER BY t, cid`,
      )
      .all([]);
  const [frozen, made] = [new Libsql(':memory:'), new Libsql(':memory:')];
  frozen.exec(await readFile(new URL('../vectors/schema-1-sqlite.sql', import.meta.url), 'utf8'));
  const sqlite = {
    name: 'sqlite',
    integer: 'INTEGER',
    bytes: 'BLOB',
    nowMs: '0',
    shareLock: '',
    updateLock: '',
    migrationLock: undefined,
  } as const;
  for (const statement of STEPS[0]?.(sqlite) ?? []) made.exec(statement);
  expect(shape(made)).toEqual(shape(frozen));
});

it('refuses a newer schema, at opening and in the middle of its work', async () => {
  const { store, lease } = await begun();
  const newer = new Libsql(file());
  newer.exec(`UPDATE schema_version SET version = ${STEPS.length + 1}`);
  newer.close();
  expect(await codeOf(store.append(lease, 'r', 0, [{ event: '{}' }]))).toBe('SCHEMA_TOO_NEW');
  expect(await codeOf(store.acquireLease('second', 1))).toBe('SCHEMA_TOO_NEW');
  expect(await codeOf(openEmbeddedStore(folder))).toBe('SCHEMA_TOO_NEW');
  expect(await events(store, 'r')).toEqual([]);
  await store.close();
});

it.each(['erased', 'replaced', 'ended'] as const)('leaves no trace of a key that was %s', async (how) => {
  const { store, lease } = await begun();
  const marker = Buffer.from('a round key, encrypted: 5d41402abc4b2a76'.repeat(4));
  const inFiles = async (): Promise<string[]> => {
    const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const found = await Promise.all(
      names.map(async ({ parentPath, name }) =>
        (await readFile(join(parentPath, name))).includes(marker.subarray(0, 40)) ? name : '',
      ),
    );
    return found.filter((name) => name !== '');
  };
  await store.append(lease, 'r', 0, [{ event: '{}', secrets: [{ name: 'round-1', value: marker }] }]);
  expect(await inFiles()).not.toEqual([]);
  const value = how === 'replaced' ? new Uint8Array(9) : undefined;
  await store.append(lease, 'r', 1, [
    how === 'ended' ? { event: '{}', ended: true } : { event: '{}', secrets: [{ name: 'round-1', value }] },
  ]);
  expect(await inFiles()).toEqual([]);
  await store.close();
});

it('says that a log has lost an event, at its end too', async () => {
  const { store, lease } = await begun();
  await store.append(lease, 'r', 0, [{ event: '{"i":0}' }, { event: '{"i":1}' }, { event: '{"i":2}' }]);
  const damage = new Libsql(file());
  damage.exec('DELETE FROM event WHERE seq = 2');
  expect(await codeOf(events(store, 'r'))).toBe('STORE_CORRUPT');
  damage.exec('DELETE FROM event WHERE seq = 0');
  expect(await codeOf(events(store, 'r'))).toBe('STORE_CORRUPT');
  damage.close();
  await store.close();
});

it('says that a complete blob has lost bytes', async () => {
  const { store, lease } = await begun();
  const bytes = new Uint8Array(1_000).fill(7);
  await store.blobs.begin(lease, 'r', 'a', bytes.length);
  await store.blobs.append(lease, 'r', 'a', 0, bytes);
  await store.blobs.complete(lease, 'r', 'a', createHash('sha256').update(bytes).digest('hex'));
  const [content = ''] = await readdir(join(folder, 'blobs'));
  await truncate(join(folder, 'blobs', content), 999);
  expect(await codeOf(store.blobs.read('r', 'a', 990, 10))).toBe('STORE_CORRUPT');
  await store.close();
});

it('refuses a file that is no database', async () => {
  await writeFile(file(), 'not a database, though long enough to look at '.repeat(50));
  expect(await codeOf(openEmbeddedStore(folder))).toBe('STORE_CORRUPT');
});

it('clears away bytes that no row names, and no others', async () => {
  const { store, lease } = await begun();
  await store.blobs.begin(lease, 'r', 'half', 10);
  await store.blobs.append(lease, 'r', 'half', 0, new Uint8Array(4));
  await writeFile(join(folder, 'blobs', 'left-behind'), 'x');
  const reopened = await openEmbeddedStore(folder);
  expect(await readdir(join(folder, 'blobs'))).toHaveLength(1);
  expect(await reopened.blobs.received('r', 'half')).toBe(4);
  await Promise.all([store.close(), reopened.close()]);
});
