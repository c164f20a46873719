/**
 * Claims, of every store: (1) one leads at a time, by the database's clock, and a stale leader is refused by every method
 * that writes; (2) an append is all or nothing, happens once however often it is repeated, and never overtakes another;
 * (3) a reopened store gives back every byte in order, whatever its size; (4) keys are gone when they are erased; and what
 * conformance-of-blobs.ts says. Oracle: plain arrays and node:crypto, kept beside the store.
 */
import { setTimeout } from 'node:timers/promises';
import type { Entry, Lease, RunStore } from '@consilium/store';
import { SeededRandom } from '@consilium/tensors';
import { beforeEach, describe, expect, it } from 'vitest';
import { conformanceOfBlobs } from './conformance-of-blobs.js';
import {
  CREATED_AT,
  digestOf,
  event,
  eventsOf,
  freshStores,
  gather,
  lead,
  LONG_MS,
  outcome,
  randomBytes,
  sameBytes,
  type Opener,
} from './store-calls.js';

export function conformance(newStore: () => Promise<Opener>): void {
  conformanceOfBlobs(newStore);
  describe('of a store', () => {
    conformanceOfLogs(newStore);
  });
}

function conformanceOfLogs(newStore: () => Promise<Opener>): void {
  const stores = freshStores(newStore);
  const { open, run } = stores;
  let store: RunStore;
  beforeEach(() => {
    ({ store } = stores);
  });

  describe('leadership', () => {
    it('has one holder at a time among many that ask at once', async () => {
      const other = await open();
      const asked = Array.from({ length: 12 }, (_, i) =>
        (i % 2 === 0 ? store : other).acquireLease(`holder-${i}`, LONG_MS),
      );
      const got = (await Promise.all(asked)).filter((lease) => lease !== undefined);
      expect(got).toHaveLength(1);
    });

    it('passes on when it expires, with a higher token, and not before', async () => {
      const other = await open();
      const first = await store.acquireLease('first', LONG_MS);
      expect(await other.acquireLease('second', LONG_MS)).toBeUndefined();
      expect(await store.renewLease(first as Lease, 200)).toBe(true);
      await setTimeout(250);
      const second = await other.acquireLease('second', LONG_MS);
      expect(second?.token).toBeGreaterThan(first?.token ?? Number.NaN);
      expect(await store.renewLease(first as Lease, LONG_MS)).toBe(false);
      expect(await store.acquireLease('first', LONG_MS)).toBeUndefined();
    });

    it('is kept by renewing past its first expiry', async () => {
      const lease = (await store.acquireLease('first', 300)) as Lease;
      expect(await store.renewLease(lease, LONG_MS)).toBe(true);
      await setTimeout(350);
      expect(await (await open()).acquireLease('second', LONG_MS)).toBeUndefined();
    });

    it('is free at once when it is released, and a lost lease releases nothing', async () => {
      const first = await lead(store);
      await store.releaseLease(first);
      expect(await outcome(store.createRun(first, { runId: 'r', config: '{}', createdAt: CREATED_AT }))).toBe(
        'LEASE_LOST',
      );
      const second = await lead(store, 'second');
      await store.releaseLease(first);
      expect(await store.acquireLease('third', LONG_MS)).toBeUndefined();
      expect(await store.renewLease(second, LONG_MS)).toBe(true);
    });

    it('comes back to the same holder with a new token, which ends the old one', async () => {
      const before = await run();
      const after = await lead(await open());
      expect(after.token).toBeGreaterThan(before.token);
      expect(await outcome(store.append(before, 'run-1', 0, [event(0)]))).toBe('LEASE_LOST');
      expect(await outcome(store.append(after, 'run-1', 0, [event(0)]))).toBe('resolved');
    });

    it('refuses a stale leader in every method that writes, and nothing is written', async () => {
      const stale = await run();
      const whole = randomBytes('1', 1_000);
      for (const name of ['half', 'whole']) {
        await store.blobs.begin(stale, 'run-1', name, whole.length);
        await store.blobs.append(stale, 'run-1', name, 0, name === 'half' ? whole.subarray(0, 10) : whole);
      }
      await store.releaseLease(stale);
      await lead(await open(), 'second');
      const writes: Record<string, () => Promise<unknown>> = {
        createRun: () => store.createRun(stale, { runId: 'run-2', config: '{}', createdAt: CREATED_AT }),
        append: () => store.append(stale, 'run-1', 0, [event(0)]),
        begin: () => store.blobs.begin(stale, 'run-1', 'new', 1),
        'append bytes': () => store.blobs.append(stale, 'run-1', 'half', 10, whole.subarray(10)),
        complete: () => store.blobs.complete(stale, 'run-1', 'whole', digestOf(whole)),
        'complete wrongly': () => store.blobs.complete(stale, 'run-1', 'whole', digestOf(new Uint8Array(1))),
        remove: () => store.blobs.remove(stale, 'run-1', ''),
      };
      for (const [name, write] of Object.entries(writes))
        expect([name, await outcome(write())]).toEqual([name, 'LEASE_LOST']);
      expect((await store.runs()).map(({ runId, events }) => [runId, events])).toEqual([['run-1', 0]]);
      expect(await store.blobs.received('run-1', 'new')).toBeUndefined();
      expect(await store.blobs.received('run-1', 'half')).toBe(10);
      expect(await store.blobs.received('run-1', 'whole')).toBe(whole.length);
      expect(await store.blobs.size('run-1', 'whole')).toBeUndefined();
    });
  });

  describe('runs', () => {
    it('are listed in order of creation with what became of them', async () => {
      const lease = await lead(store);
      const config = '{ "name": "Straße, 東京, 🫁" }\n';
      // The second claims to be older, and sorts before the first by name: neither decides.
      await store.createRun(lease, { runId: 'run-b', config, createdAt: CREATED_AT });
      await store.createRun(lease, { runId: 'run-a', config: '{}', createdAt: '2020-01-01T00:00:00.000Z' });
      await store.append(lease, 'run-b', 0, [event(0), { ...event(1), ended: true }]);
      const reopened = await open();
      expect(await reopened.runs()).toEqual([
        { runId: 'run-b', createdAt: CREATED_AT, ended: true, events: 2 },
        { runId: 'run-a', createdAt: '2020-01-01T00:00:00.000Z', ended: false, events: 0 },
      ]);
      expect(await reopened.config('run-b')).toBe(config);
      expect(await reopened.config('run-c')).toBeUndefined();
    });

    it('are created once; the very same creation may be repeated until the first event', async () => {
      const lease = await run();
      const same = { runId: 'run-1', config: '{"of":"run-1"}', createdAt: CREATED_AT };
      expect(await outcome(store.createRun(lease, same))).toBe('resolved');
      expect(await outcome(store.createRun(lease, { ...same, config: '{}' }))).toBe('RUN_EXISTS');
      await store.append(lease, 'run-1', 0, [event(0)]);
      expect(await outcome(store.createRun(lease, same))).toBe('RUN_EXISTS');
      expect(await store.config('run-1')).toBe(same.config);
    });

    it('that do not exist are said to be unknown', async () => {
      const lease = await lead(store);
      expect(await outcome(store.append(lease, 'run-9', 0, [event(0)]))).toBe('RUN_UNKNOWN');
      expect(await outcome(gather(store.events('run-9')))).toBe('RUN_UNKNOWN');
      expect(await outcome(store.blobs.begin(lease, 'run-9', 'a', 1))).toBe('RUN_UNKNOWN');
    });
  });

  describe('a log', () => {
    it('gives back what was appended, byte for byte, to whoever opens it next', async () => {
      const lease = await run();
      const random = new SeededRandom('replay');
      const written: string[] = [];
      const startedMs = Date.now();
      for (let batch = 0; batch < 30; batch++) {
        // Past the 64 rows of one INSERT, too.
        const entries = Array.from({ length: 1 + random.integer(90) }, (_, i) => ({
          event: JSON.stringify({ batch, i, text: '\u0000é東🫁"\\'.repeat(random.integer(40)), spaces: '  ' }),
        }));
        await store.append(lease, 'run-1', written.length, entries);
        written.push(...entries.map((entry) => entry.event));
      }
      const reopened = await open();
      const stored = await gather(reopened.events('run-1'));
      expect(stored.map((item) => item.event)).toEqual(written);
      expect(stored.map(({ seq }) => seq)).toEqual(written.map((_, i) => i));
      expect(stored.every(({ at }) => Math.abs(Date.parse(at) - startedMs) < LONG_MS)).toBe(true);
      expect(await eventsOf(reopened, 'run-1', written.length - 3)).toEqual(written.slice(-3));
      expect(await eventsOf(reopened, 'run-1', written.length)).toEqual([]);
    });

    it('is read in pages: many small events, then few large ones', async () => {
      const lease = await run();
      const small = Array.from({ length: 6_000 }, (_, i) => event(i));
      const large = Array.from({ length: 12 }, (_, i) => ({
        event: JSON.stringify({ i, fill: 'x'.repeat(700_000 + i) }),
      }));
      await store.append(lease, 'run-1', 0, small);
      await store.append(lease, 'run-1', small.length, large);
      const expected = [...small, ...large].map((entry) => digestOf(Buffer.from(entry.event)));
      const read: string[] = [];
      for await (const item of store.events('run-1')) {
        read.push(digestOf(Buffer.from(item.event)));
        // An append while someone reads: the reader keeps to what was there when it began.
        if (read.length === 1) await store.append(lease, 'run-1', expected.length, [event(-1)]);
      }
      expect(read).toEqual(expected);
    });

    it('refuses an append that expects another number of events, and keeps nothing of it', async () => {
      const lease = await run();
      await store.append(lease, 'run-1', 0, [event(0), event(1)]);
      const late: Entry = {
        ...event(9),
        ended: true,
        documents: [{ digest: 'd9', kind: 'k', body: 'b' }],
        secrets: [{ name: 's9', value: new Uint8Array(3) }],
      };
      for (const expectedSeq of [0, 1, 3, 100]) {
        expect(await outcome(store.append(lease, 'run-1', expectedSeq, [late]))).toBe('SEQUENCE_CONFLICT');
      }
      expect(await eventsOf(store, 'run-1')).toEqual([event(0).event, event(1).event]);
      expect(await store.document('run-1', 'd9')).toBeUndefined();
      expect(await store.secret('run-1', 's9')).toBeUndefined();
      expect((await store.runs())[0]?.ended).toBe(false);
    });

    it('recognises a repeat, of the whole and at its own place only', async () => {
      const lease = await run();
      const batch = [event(0), event(1)];
      for (let time = 0; time < 3; time++) await store.append(lease, 'run-1', 0, batch);
      await store.append(lease, 'run-1', 2, [event(2)]);
      expect(await outcome(store.append(lease, 'run-1', 0, batch))).toBe('resolved');
      expect(await outcome(store.append(lease, 'run-1', 1, batch))).toBe('SEQUENCE_CONFLICT');
      expect(await outcome(store.append(lease, 'run-1', 0, [event(0), event(2)]))).toBe('SEQUENCE_CONFLICT');
      expect(await outcome(store.append(lease, 'run-1', 2, [event(2), event(3)]))).toBe('SEQUENCE_CONFLICT');
      expect(await outcome(store.append(lease, 'run-1', 0, [{ event: ' {"i":0}' }]))).toBe('SEQUENCE_CONFLICT');
      expect(await eventsOf(store, 'run-1')).toEqual([0, 1, 2].map((i) => event(i).event));
    });

    it('takes one of several that append at the same place at once', async () => {
      const lease = await run();
      const stores = [store, await open()];
      for (let seq = 0; seq < 8; seq++) {
        const outcomes = await Promise.all(
          Array.from({ length: 6 }, (_, i) =>
            outcome((stores[i % 2] ?? store).append(lease, 'run-1', seq, [{ event: `{"by":${i}}` }])),
          ),
        );
        expect(outcomes.filter((code) => code === 'resolved')).toHaveLength(1);
        expect(outcomes.filter((code) => code === 'SEQUENCE_CONFLICT')).toHaveLength(5);
      }
      expect(await eventsOf(store, 'run-1')).toHaveLength(8);
    });

    it('refuses what it could not give back', async () => {
      const lease = await run();
      for (const bad of ['a\0b', '\ud800']) {
        await expect(store.append(lease, 'run-1', 0, [{ event: bad }])).rejects.toThrow(RangeError);
      }
      await expect(store.append(lease, 'run-1', 0, [])).rejects.toThrow(RangeError);
      await expect(store.createRun(lease, { runId: '../x', config: '', createdAt: '' })).rejects.toThrow(RangeError);
    });
  });

  describe('documents and keys', () => {
    it('stores documents with their event, by digest and by kind, the first body of a digest', async () => {
      const lease = await run();
      const documents = ['z', 'a', 'm'].map((digest) => ({
        digest,
        kind: `kind-${digest}`,
        body: `body of ${digest}`,
      }));
      await store.append(lease, 'run-1', 0, [event(0), { ...event(1), documents }]);
      const again = { digest: 'a', kind: 'other', body: 'another body' };
      await store.append(lease, 'run-1', 2, [
        { ...event(2), documents: [again, { digest: 'b', kind: 'kind-a', body: '' }] },
      ]);
      const reopened = await open();
      expect(await reopened.document('run-1', 'a')).toBe('body of a');
      expect(await reopened.document('run-1', 'b')).toBe('');
      expect(await reopened.document('run-1', 'c')).toBeUndefined();
      expect((await gather(reopened.documents('run-1'))).map(({ seq, digest }) => [seq, digest])).toEqual([
        [1, 'z'],
        [1, 'a'],
        [1, 'm'],
        [2, 'b'],
      ]);
      expect((await gather(reopened.documents('run-1', 'kind-a'))).map(({ body }) => body)).toEqual(['body of a', '']);
    });

    it('gives more documents than a page in order', async () => {
      const lease = await run();
      const of = (seq: number): Entry => ({
        ...event(seq),
        documents: Array.from({ length: 7 }, (_, i) => ({ digest: `${seq}/${i}`, kind: 'k', body: 'x'.repeat(5_000) })),
      });
      await store.append(
        lease,
        'run-1',
        0,
        Array.from({ length: 60 }, (_, seq) => of(seq)),
      );
      const found = await gather(store.documents('run-1'));
      expect(found.map(({ digest }) => digest)).toEqual(
        Array.from({ length: 420 }, (_, i) => `${Math.floor(i / 7)}/${i % 7}`),
      );
    });

    it('keeps keys until they are replaced or erased, or the run ends', async () => {
      const lease = await run();
      const [one, two] = [randomBytes('1', 48), randomBytes('2', 80)];
      const secrets = ['a', 'b', 'c'].map((name) => ({ name, value: one }));
      await store.append(lease, 'run-1', 0, [{ ...event(0), secrets }]);
      await store.append(lease, 'run-1', 1, [
        {
          ...event(1),
          secrets: [
            { name: 'a', value: two },
            { name: 'b', value: undefined },
          ],
        },
      ]);
      const reopened = await open();
      expect(sameBytes((await reopened.secret('run-1', 'a')) ?? one, two)).toBe(true);
      expect(await reopened.secret('run-1', 'b')).toBeUndefined();
      expect(sameBytes((await reopened.secret('run-1', 'c')) ?? two, one)).toBe(true);
      await store.append(lease, 'run-1', 2, [{ ...event(2), ended: true }]);
      for (const name of ['a', 'b', 'c']) expect(await reopened.secret('run-1', name)).toBeUndefined();
    });
  });

  it('is healthy while it is open, and says so when it is not', async () => {
    await store.health();
    await store.close();
    await store.close();
    expect(await outcome(store.health())).toBe('STORE_UNAVAILABLE');
    expect(await outcome(store.runs())).toBe('STORE_UNAVAILABLE');
    expect(await outcome(store.acquireLease('first', LONG_MS))).toBe('STORE_UNAVAILABLE');
  });
}
