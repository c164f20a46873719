/**
 * Claims, of every store: a blob is resumed where it stopped, counts only whole and with its digest, never changes then, and
 * is removed by whole segments of its name. Oracle: the bytes themselves and node:crypto.
 */
import type { RunStore } from '@consilium/store';
import { beforeEach, describe, expect, it } from 'vitest';
import { CREATED_AT, digestOf, freshStores, outcome, randomBytes, sameBytes, type Opener } from './store-calls.js';

export function conformanceOfBlobs(newStore: () => Promise<Opener>): void {
  describe('a blob', () => {
    const stores = freshStores(newStore);
    const { open, run } = stores;
    let store: RunStore;
    beforeEach(() => {
      ({ store } = stores);
    });

    const name = 'update/3/1/st-anna/0f';

    it('is sent in chunks, resumed by another opener, completed and read in ranges', async () => {
      const lease = await run();
      const bytes = randomBytes('3', 2_700_001);
      const chunkBytes = 262_144;
      await store.blobs.begin(lease, 'run-1', name, bytes.length);
      await store.blobs.begin(lease, 'run-1', name, bytes.length);
      expect(await store.blobs.received('run-1', name)).toBe(0);
      let blobs = store.blobs;
      for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
        const chunk = bytes.subarray(offset, offset + chunkBytes);
        // Each chunk twice, once from a little before: what is there already is passed over.
        expect(await blobs.append(lease, 'run-1', name, offset, chunk)).toBe(offset + chunk.length);
        const back = Math.min(offset, 1_000);
        expect(await blobs.append(lease, 'run-1', name, offset - back, bytes.subarray(offset - back, offset))).toBe(
          offset + chunk.length,
        );
        if (offset === 2 * chunkBytes) ({ blobs } = await open());
      }
      expect(await blobs.size('run-1', name)).toBeUndefined();
      expect(await outcome(blobs.read('run-1', name, 0, 1))).toBe('BLOB_UNKNOWN');
      await blobs.complete(lease, 'run-1', name, digestOf(bytes));
      await blobs.complete(lease, 'run-1', name, digestOf(bytes));
      expect(await blobs.append(lease, 'run-1', name, 0, bytes.subarray(0, 9))).toBe(bytes.length);

      const reopened = (await open()).blobs;
      expect(await reopened.size('run-1', name)).toBe(bytes.length);
      expect(await reopened.received('run-1', name)).toBe(bytes.length);
      for (const [offset, length] of [
        [0, bytes.length],
        [262_143, 2],
        [1_048_575, 1_200_000],
        [bytes.length - 1, 100],
        [bytes.length, 10],
        [bytes.length + 5, 10],
        [0, 0],
      ] as const) {
        const read = await reopened.read('run-1', name, offset, length);
        expect(sameBytes(read, bytes.subarray(offset, offset + length))).toBe(true);
      }
      await expect(reopened.read('run-1', name, 0, (16 << 20) + 1)).rejects.toThrow(RangeError);
      const room = new Uint8Array(100).fill(255);
      const last = await reopened.read('run-1', name, bytes.length - 7, 100, room);
      expect(sameBytes(last, bytes.subarray(-7))).toBe(true);
      expect(sameBytes(room.subarray(7), new Uint8Array(93).fill(255))).toBe(true);
      await expect(reopened.read('run-1', name, 0, 101, room)).rejects.toThrow(RangeError);
    });

    it('refuses a gap, more than was announced, another size, and an early end', async () => {
      const lease = await run();
      const bytes = randomBytes('4', 100);
      const { blobs } = store;
      expect(await outcome(blobs.append(lease, 'run-1', name, 0, bytes))).toBe('BLOB_UNKNOWN');
      expect(await outcome(blobs.complete(lease, 'run-1', name, digestOf(bytes)))).toBe('BLOB_UNKNOWN');
      await blobs.begin(lease, 'run-1', name, 100);
      expect(await outcome(blobs.begin(lease, 'run-1', name, 101))).toBe('BLOB_EXISTS');
      expect(await outcome(blobs.append(lease, 'run-1', name, 1, bytes.subarray(1, 2)))).toBe('BLOB_GAP');
      expect(await outcome(blobs.append(lease, 'run-1', name, 0, new Uint8Array(101)))).toBe('BLOB_TOO_LARGE');
      await blobs.append(lease, 'run-1', name, 0, bytes.subarray(0, 99));
      expect(await outcome(blobs.append(lease, 'run-1', name, 99, bytes.subarray(0, 2)))).toBe('BLOB_TOO_LARGE');
      expect(await outcome(blobs.complete(lease, 'run-1', name, digestOf(bytes)))).toBe('BLOB_GAP');
      expect(await blobs.received('run-1', name)).toBe(99);
      await blobs.append(lease, 'run-1', name, 99, bytes.subarray(99));
      expect(await outcome(blobs.complete(lease, 'run-1', name, digestOf(bytes)))).toBe('resolved');
      expect(await outcome(blobs.complete(lease, 'run-1', name, digestOf(new Uint8Array(1))))).toBe('DIGEST_MISMATCH');
      expect(await blobs.size('run-1', name)).toBe(100);
    });

    it('of another digest than promised is discarded, and may be sent again', async () => {
      const lease = await run();
      const bytes = randomBytes('5', 5_000);
      const { blobs } = store;
      await blobs.begin(lease, 'run-1', name, bytes.length);
      await blobs.append(lease, 'run-1', name, 0, bytes.with(17, (bytes[17] ?? 0) ^ 1));
      expect(await outcome(blobs.complete(lease, 'run-1', name, digestOf(bytes)))).toBe('DIGEST_MISMATCH');
      expect(await blobs.received('run-1', name)).toBeUndefined();
      await blobs.begin(lease, 'run-1', name, bytes.length);
      await blobs.append(lease, 'run-1', name, 0, bytes);
      expect(await outcome(blobs.complete(lease, 'run-1', name, digestOf(bytes)))).toBe('resolved');
    });

    it('takes the chunks of two senders at once as if they came one after the other', async () => {
      const lease = await run();
      const bytes = randomBytes('6', 40_000);
      const other = (await open()).blobs;
      await store.blobs.begin(lease, 'run-1', name, bytes.length);
      for (let offset = 0; offset < bytes.length; offset += 10_000) {
        const chunk = bytes.subarray(offset, offset + 10_000);
        await Promise.all(
          [store.blobs, other, store.blobs].map((blobs) => blobs.append(lease, 'run-1', name, offset, chunk)),
        );
      }
      expect(await outcome(store.blobs.complete(lease, 'run-1', name, digestOf(bytes)))).toBe('resolved');
    });

    it('is removed by whole segments of its name, and only in its run', async () => {
      const lease = await run();
      await store.createRun(lease, { runId: 'run-2', config: '{}', createdAt: CREATED_AT });
      const bytes = randomBytes('8', 10);
      const names = ['update/3/a', 'update/3/b', 'update/31/a', 'update_3/a', 'model/3'];
      for (const runId of ['run-1', 'run-2']) {
        for (const each of names) {
          await store.blobs.begin(lease, runId, each, bytes.length);
          await store.blobs.append(lease, runId, each, 0, bytes);
          await store.blobs.complete(lease, runId, each, digestOf(bytes));
        }
      }
      const left = async (runId: string): Promise<string[]> => {
        const sizes = await Promise.all(names.map((each) => store.blobs.size(runId, each)));
        return names.filter((_, i) => sizes[i] !== undefined);
      };
      await store.blobs.remove(lease, 'run-1', 'update/3/');
      expect(await left('run-1')).toEqual(['update/31/a', 'update_3/a', 'model/3']);
      await store.blobs.remove(lease, 'run-1', 'model/3');
      expect(await left('run-1')).toEqual(['update/31/a', 'update_3/a']);
      await store.blobs.remove(lease, 'run-1', '');
      expect(await left('run-1')).toEqual([]);
      expect(await left('run-2')).toEqual(names);
    });

    it.each([
      '',
      '/',
      'a//b',
      '../a',
      'a/../b',
      '.part',
      'a/.',
      '/etc/passwd',
      'a\\b',
      'a\0b',
      'a b',
      'é',
      'a'.repeat(129),
    ])('has no name such as %j', async (bad) => {
      const lease = await run();
      await expect(store.blobs.begin(lease, 'run-1', bad, 1)).rejects.toThrow(RangeError);
      await expect(store.blobs.read('run-1', bad, 0, 1)).rejects.toThrow(RangeError);
      if (bad !== '' && bad !== '/') await expect(store.blobs.remove(lease, 'run-1', bad)).rejects.toThrow(RangeError);
    });
  });
}
