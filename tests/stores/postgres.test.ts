/**
 * Claims: (1) the PostgreSQL store keeps what `conformance.ts` claims of every store; (2) wherever the connection is cut
 * during an append, the append is refused as unavailable or acknowledged, and repeating it stores it exactly once, be it of
 * events or of bytes of a blob, and by the very store whose connection was cut; (3) an
 * outage is told, and ends with the outage: a clean restart, a crash, a cut of idle connections; what was acknowledged is
 * there after each; (4) renewing a lease does not wait for a write, taking it over does; (5) a full disk, a read-only
 * database, a server without fsync are told apart; (6) schema 1 comes forward, a newer one is refused. Oracle: a real
 * server, vectors/schema-1-postgres.sql, and plain counting.
 */
import { execFileSync } from 'node:child_process';
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openPostgresStore, type RunStore } from '@consilium/store';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noPostgres, PostgresServer, SERVER_USER } from '../support/postgres.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { conformance } from './conformance.js';
import {
  CREATED_AT,
  digestOf,
  event,
  eventsOf,
  lead,
  LONG_MS,
  outcome,
  randomBytes,
  sameBytes,
} from './store-calls.js';

const SCHEMA_1 = join(import.meta.dirname, '..', '..', 'libs', 'store', 'vectors', 'schema-1-postgres.sql');
/** A simple query: 'Q', its length, the word, NUL. */
const COMMIT_BYTES = 12;
/** Its answer: 'C', its length, the word, NUL; and that the server is ready. */
const COMMITTED_BYTES = 18;
const RUN = { runId: 'r', config: '{}', createdAt: CREATED_AT };

describe.skipIf(noPostgres !== undefined)(`the PostgreSQL store ${noPostgres ?? ''}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(async () => {
    await server.stop();
  });

  let databases = 0;
  const newDatabase = (): Promise<string> => server.database(`test_${databases++}`);
  conformance(async () => {
    const url = await newDatabase();
    return () => openPostgresStore(url, { connections: 4 });
  });

  /** Repeats an append as a coordinator does, until it is acknowledged; the time limit of the test is the only limit. */
  async function persist(append: () => Promise<void>): Promise<void> {
    for (;;) {
      const code = await outcome(append());
      if (code === 'resolved') return;
      expect(code).toBe('STORE_UNAVAILABLE');
      await setTimeout(20);
    }
  }

  it('stores an append once, wherever its connection is cut', async () => {
    const url = await newDatabase();
    const proxy = await TcpProxy.open(url.replace(/^postgres/, 'http'));
    const direct = await openPostgresStore(url);
    const lease = await lead(direct);
    await direct.createRun(lease, RUN);
    // From here on all numbers have three digits, so that every append is of the same length on the wire.
    const entries = (seq: number): { event: string }[] => [event(seq), event(seq + 1)];
    await direct.append(
      lease,
      'r',
      0,
      Array.from({ length: 100 }, (_, i) => event(i)),
    );
    let seq = 100;
    let refused = 0;
    let persistedYetRefused = 0;
    const through = (): Promise<RunStore> =>
      openPostgresStore(url.replace(/:\d+\//, `:${new URL(proxy.url).port}/`), { connections: 1 });
    const passed = (): { up: number; down: number } => ({ up: 0, down: 0, ...proxy.connections.at(-1) });

    const uncut = await through();
    const before = passed();
    await uncut.append(lease, 'r', seq, entries(seq));
    seq += 2;
    const whole = { up: passed().up - before.up, down: passed().down - before.down };
    await uncut.close();

    for (const direction of ['up', 'down'] as const) {
      // The COMMIT and its answer are the last bytes of their direction: there the cuts are close together.
      const cuts = Array.from({ length: 12 }, (_, i) => Math.ceil((whole[direction] * (i + 1)) / 14));
      for (let fromEnd = 36; fromEnd >= 0; fromEnd -= 4) cuts.push(whole[direction] - fromEnd);
      for (const afterBytes of cuts) {
        const store = await through();
        proxy.cutOnceAfter(direction, passed()[direction] + afterBytes);
        const first = await outcome(store.append(lease, 'r', seq, entries(seq)));
        expect(['resolved', 'STORE_UNAVAILABLE']).toContain(first);
        const persisted = async (): Promise<boolean> => (await direct.runs())[0]?.events === seq + 2;
        if (first !== 'resolved') {
          refused++;
          // The server has the whole COMMIT, and carries it out with nobody there to hear of it.
          const mustCome = direction === 'up' && afterBytes > whole.up - COMMIT_BYTES;
          while (mustCome && !(await persisted())) await setTimeout(5);
          if (await persisted()) persistedYetRefused++;
        }
        await persist(() => store.append(lease, 'r', seq, entries(seq)));
        seq += 2;
        proxy.cutOnceAfter(direction, Number.POSITIVE_INFINITY);
        await store.close();
      }
    }
    expect(await eventsOf(direct, 'r')).toEqual(Array.from({ length: seq }, (_, i) => event(i).event));
    // Both kinds of refusal occurred, or the cuts were at the wrong places.
    expect(refused - persistedYetRefused).toBeGreaterThan(10);
    expect(persistedYetRefused).toBeGreaterThanOrEqual(3);
    await direct.close();
    await proxy.close();
  });

  it('goes on with a blob where it is, wherever the connection of a chunk is cut', async () => {
    const url = await newDatabase();
    const proxy = await TcpProxy.open(url.replace(/^postgres/, 'http'));
    const store = await openPostgresStore(url.replace(/:\d+\//, `:${new URL(proxy.url).port}/`), { connections: 1 });
    const lease = await lead(store);
    await store.createRun(lease, RUN);
    const bytes = randomBytes('5', 4_096);
    const passed = (): { up: number; down: number } => ({ up: 0, down: 0, ...proxy.connections.at(-1) });
    const chunk = (name: string, offset: number): Promise<number> =>
      store.blobs.append(lease, 'r', name, offset, bytes.subarray(offset, offset + 2_048));
    await store.blobs.begin(lease, 'r', 'uncut', bytes.length);
    const before = passed();
    await chunk('uncut', 0);
    const whole = { up: passed().up - before.up, down: passed().down - before.down };
    const cuts = [
      ['down', COMMITTED_BYTES, 'the bytes were taken, and the COMMIT does not arrive'],
      ['up', COMMIT_BYTES, 'the answer to the bytes is lost'],
      ['up', 0, 'the answer to the COMMIT is lost'],
    ] as const;
    for (const [k, [direction, fromEnd, what]] of cuts.entries()) {
      const name = `cut-${k}`;
      await store.blobs.begin(lease, 'r', name, bytes.length);
      proxy.cutOnceAfter(direction, passed()[direction] + whole[direction] - fromEnd);
      expect(await outcome(chunk(name, 0)), what).toBe('STORE_UNAVAILABLE');
      await persist(async () => {
        await chunk(name, 0);
      });
      expect(await chunk(name, 2_048), what).toBe(bytes.length);
      await store.blobs.complete(lease, 'r', name, digestOf(bytes));
      expect(sameBytes(await store.blobs.read('r', name, 0, bytes.length), bytes), what).toBe(true);
    }
    await store.close();
    await proxy.close();
  });

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'is back after its server was ended by %s, with all it had',
    async (signal) => {
      const store = await openPostgresStore(await newDatabase());
      const lease = await lead(store);
      await store.createRun(lease, RUN);
      await store.append(lease, 'r', 0, [event(0)]);
      await server.halt(signal);
      expect(await outcome(store.append(lease, 'r', 1, [event(1)]))).toBe('STORE_UNAVAILABLE');
      expect(await outcome(store.health())).toBe('STORE_UNAVAILABLE');
      expect(await outcome(openPostgresStore(server.url))).toBe('STORE_UNAVAILABLE');
      await server.resume();
      await persist(() => store.append(lease, 'r', 1, [event(1)]));
      expect(await eventsOf(store, 'r')).toEqual([event(0).event, event(1).event]);
      await store.close();
    },
  );

  it('keeps every acknowledged append of many writers when the server crashes under them', async () => {
    const store = await openPostgresStore(await newDatabase());
    const lease = await lead(store);
    const acknowledged = new Map<string, number>();
    const writers = Array.from({ length: 4 }, async (_, i) => {
      const runId = `r${i}`;
      await store.createRun(lease, { ...RUN, runId });
      for (let seq = 0; seq < 150; seq++) {
        await persist(() => store.append(lease, runId, seq, [event(seq)]));
        acknowledged.set(runId, seq + 1);
      }
    });
    for (const waitMs of [60, 60]) {
      await setTimeout(waitMs);
      await server.halt('SIGKILL');
      const then = new Map(acknowledged);
      await server.resume();
      const stored = new Map((await store.runs()).map(({ runId, events }) => [runId, events]));
      for (const [runId, events] of then) expect(stored.get(runId) ?? 0).toBeGreaterThanOrEqual(events);
    }
    await Promise.all(writers);
    for (const { runId } of await store.runs()) {
      expect(await eventsOf(store, runId)).toEqual(Array.from({ length: 150 }, (_, seq) => event(seq).event));
    }
    await store.close();
  });

  it('outlives the end of its idle connections', async () => {
    const store = await openPostgresStore(await newDatabase());
    const lease = await lead(store);
    await server.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'consilium%'`,
    );
    await setTimeout(100);
    await persist(() => store.createRun(lease, RUN));
    await store.close();
  });

  it('renews while a write is under way, and lets nobody take over before that write has ended', async () => {
    const url = await newDatabase();
    // With as many writes under way as there are connections, too: here one.
    const [first, second] = [await openPostgresStore(url, { connections: 1 }), await openPostgresStore(url)];
    const lease = await lead(first);
    await first.createRun(lease, RUN);
    // Holds the row of the run, so that an append stops after its check of the lease.
    const obstacle = new pg.Client({ connectionString: url });
    await obstacle.connect();
    await obstacle.query(`BEGIN; UPDATE run SET ended = 0 WHERE run_id = 'r'`);
    const append = first.append(lease, 'r', 0, [event(0)]);
    await setTimeout(100);
    expect(await first.renewLease(lease, 1)).toBe(true);
    await setTimeout(20);
    let taken = false;
    const takeOver = second.acquireLease('second', LONG_MS).then((got) => {
      taken = true;
      return got;
    });
    await setTimeout(200);
    expect(taken).toBe(false);
    await obstacle.query('ROLLBACK');
    await append;
    const next = await takeOver;
    expect(next?.token).toBe(lease.token + 1);
    expect(await outcome(first.append(lease, 'r', 1, [event(1)]))).toBe('LEASE_LOST');
    expect(await eventsOf(second, 'r')).toEqual([event(0).event]);
    await obstacle.end();
    await Promise.all([first.close(), second.close()]);
  });

  it('says that a database is read-only', async () => {
    const url = await newDatabase();
    const store = await openPostgresStore(url);
    const lease = await lead(store);
    await store.createRun(lease, RUN);
    const name = new URL(url).pathname.slice(1);
    await server.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    await setTimeout(100);
    expect(await outcome(store.health())).toBe('STORE_READ_ONLY');
    expect(await outcome(store.append(lease, 'r', 0, [event(0)]))).toBe('STORE_READ_ONLY');
    expect(await eventsOf(store, 'r')).toEqual([]);
    expect(await outcome(openPostgresStore(url))).toBe('STORE_READ_ONLY');
    await store.close();
  });

  it('is told of a wrong password or database without a word of its URL', async () => {
    const url = `postgres://consilium:hunter2@127.0.0.1:${server.port}/no_such_database`;
    const error: unknown = await openPostgresStore(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: 'the database said 3D000' });
  });

  it('brings schema 1 forward with its rows, and refuses a newer one', async () => {
    const url = await newDatabase();
    await server.query(await readFile(SCHEMA_1, 'utf8'), url);
    const [store, other] = await Promise.all([openPostgresStore(url), openPostgresStore(url)]);
    expect((await store.runs()).map(({ runId, ended, events }) => [runId, ended, events])).toEqual([
      ['run-z', true, 3],
      ['run-b', false, 1],
      ['run-c', false, 0],
    ]);
    expect(await eventsOf(other, 'run-z')).toEqual(['{"i":0}', '{"i":1}', '{"i":2}']);
    expect(await store.document('run-z', 'd0')).toBe('second');
    const lease = await lead(store, 'new-leader');
    expect(lease.token).toBe(42);
    await store.append(lease, 'run-b', 1, [{ ...event(1), secrets: [{ name: 's', value: new Uint8Array(4) }] }]);
    await server.query('UPDATE schema_version SET version = 99', url);
    expect(await outcome(other.append(lease, 'run-b', 2, [event(2)]))).toBe('SCHEMA_TOO_NEW');
    expect(await outcome(openPostgresStore(url))).toBe('SCHEMA_TOO_NEW');
    await Promise.all([store.close(), other.close()]);
  });

  it('does not work on a server that runs without fsync', async () => {
    await server.halt();
    await server.resume({ fsync: 'off' });
    expect(await outcome(openPostgresStore(server.url))).toBe('STORE_UNAVAILABLE');
    await server.halt();
    await server.resume();
  });

  const canMount = process.platform === 'linux' && process.getuid?.() === 0;
  it.skipIf(!canMount)(
    'says that the disk is full, and goes on when there is room (only root can mount a small one)',
    async () => {
      const disk = await mkdtemp(join(tmpdir(), 'consilium-disk-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=711', 'tmpfs', disk]);
      let store: RunStore | undefined;
      try {
        await mkdir(join(disk, 'space'), { mode: 0o700 });
        await chown(join(disk, 'space'), SERVER_USER, SERVER_USER);
        await server.query(`CREATE TABLESPACE small LOCATION '${join(disk, 'space')}'`);
        await server.query('CREATE DATABASE small TABLESPACE small');
        store = await openPostgresStore(server.urlThrough(server.port, 'small'));
        const lease = await lead(store);
        await store.createRun(lease, RUN);
        const bytes = randomBytes('9', 1 << 20);
        await store.blobs.begin(lease, 'r', 'a', 64 << 20);
        let received = 0;
        let code = 'resolved';
        while (code === 'resolved' && received < 64 << 20) {
          code = await outcome(store.blobs.append(lease, 'r', 'a', received, bytes));
          if (code === 'resolved') received += bytes.length;
        }
        expect(code).toBe('STORE_FULL');
        expect(await store.blobs.received('r', 'a')).toBe(received);
        execFileSync('mount', ['-o', 'remount,size=64m', disk]);
        expect(await store.blobs.append(lease, 'r', 'a', received, bytes)).toBe(received + bytes.length);
      } finally {
        await store?.close();
        await server.query('DROP DATABASE IF EXISTS small');
        await server.query('DROP TABLESPACE IF EXISTS small');
        execFileSync('umount', ['-l', disk]);
        await rm(disk, { recursive: true });
      }
    },
  );
});
