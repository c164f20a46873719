/**
 * Claims: (1) what was used longest ago goes first, until the rest fits, facts (`.json`) and embeddings by one rule;
 * (2) reading an embedding counts as use, to the hour; (3) a stale temporary goes, one under way stays, a file of another
 * name is never touched; (4) two processes that collect at once free no more than one, and puts and gets go on meanwhile;
 * (5) a folder that is not there is empty. Oracle: the folder as the file system shows it.
 */
import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheUsage, collectGarbage } from './cache-folder.js';
import { EmbeddingCache } from './embedding-cache.js';

const key = { backboneHash: 'b', preprocessingVersion: 'p', engineId: 'onnxruntime-cpu', precision: 'fp32' } as const;
const nowMs = Date.UTC(2030, 0, 1);
const HOUR_MS = 3_600_000;
const nameOf = (n: number): string => n.toString(16).padStart(64, '0');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cache-folder-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, ageHours: number): Promise<void> {
  await writeFile(join(folder, name), new Uint8Array(8224));
  const used = new Date(nowMs - ageHours * HOUR_MS);
  await utimes(join(folder, name), used, used);
}
const names = async (): Promise<string[]> => (await readdir(folder)).sort();
const collect = (maxBytes: number) => collectGarbage(folder, { maxBytes, now: () => nowMs });

describe('collectGarbage', () => {
  it('removes the entries that were used longest ago, until the rest fits', async () => {
    for (const [n, age] of [5, 1, 4, 2, 3].entries()) await write(nameOf(n), age);
    await write(`${nameOf(1)}.json`, 6);
    const { bytes } = await cacheUsage(folder);
    const collected = await collect(bytes / 2);
    expect(await names()).toEqual([nameOf(1), nameOf(3), nameOf(4)]);
    expect(collected).toMatchObject({ removedEntries: 3, removedTemporaries: 0, freedBytes: bytes / 2 });
    expect(collected.left).toEqual({ entries: 3, bytes: bytes / 2, oldestUseMs: nowMs - 3 * HOUR_MS, temporaries: 0 });
    expect(await cacheUsage(folder)).toEqual(collected.left);
    expect((await collect(bytes / 2)).removedEntries).toBe(0);
    expect((await collect(0)).left).toEqual({ entries: 0, bytes: 0, temporaries: 0 });
    expect(await names()).toEqual([]);
  });

  it('keeps temporaries under way and files of other names, whatever the limit', async () => {
    const [stale, underWay] = [`${nameOf(1)}.a.tmp`, `${nameOf(2)}.json.b.tmp`];
    const foreign = ['README', `${nameOf(3)}.txt`, nameOf(4).slice(1), `${nameOf(5)}.json.bak`, 'x.tmp'];
    await write(stale, 1.1);
    await write(underWay, 0.9);
    for (const name of foreign) await write(name, 1000);
    const [directory, link] = [nameOf(6), nameOf(7)];
    await mkdir(join(folder, directory));
    await symlink('README', join(folder, link));
    expect(await cacheUsage(folder)).toEqual({ entries: 0, bytes: 0, temporaries: 2 });
    expect(await collect(0)).toMatchObject({ removedTemporaries: 1, removedEntries: 0, left: { temporaries: 1 } });
    expect(await names()).toEqual([underWay, directory, link, ...foreign].sort());
  });

  it('spares an entry that was read since, and reading within the hour touches nothing', async () => {
    const cache = new EmbeddingCache(folder, key);
    const [first, second] = ['a', 'b'];
    await cache.put(first, new Float32Array(2048));
    const [path = ''] = (await names()).map((name) => join(folder, name));
    await cache.put(second, new Float32Array(2048));
    const age = async (hours: number) => {
      for (const name of await names()) {
        const used = new Date(Date.now() - hours * HOUR_MS);
        await utimes(join(folder, name), used, used);
      }
    };
    await age(0.5);
    const { mtimeMs } = await stat(path);
    expect(await cache.get(first)).toHaveLength(2048);
    expect((await stat(path)).mtimeMs).toBe(mtimeMs);
    await age(2);
    expect(await cache.get(first)).toHaveLength(2048);
    const { bytes } = await cacheUsage(folder);
    expect(await collectGarbage(folder, { maxBytes: bytes / 2 })).toMatchObject({ removedEntries: 1 });
    expect(await cache.get(first)).toHaveLength(2048);
    expect(await cache.get(second)).toBeUndefined();
  });

  it('frees no more when several collect at once', async () => {
    for (let n = 0; n < 60; n++) await write(nameOf(n), n);
    const { bytes } = await cacheUsage(folder);
    const all = await Promise.all(Array.from({ length: 4 }, () => collect(bytes / 2)));
    expect(all.reduce((sum, { removedEntries }) => sum + removedEntries, 0)).toBe(30);
    expect(await names()).toEqual(Array.from({ length: 30 }, (_, n) => nameOf(n)));
  });

  it('disturbs nobody who puts and gets meanwhile', async () => {
    const cache = new EmbeddingCache(folder, key);
    const embedding = new Float32Array(2048).fill(1.5);
    const work = Array.from({ length: 100 }, async (_, n) => {
      await cache.put(String(n), embedding);
      const found = await cache.get(String(n));
      expect(found === undefined || found.every((value) => value === 1.5)).toBe(true);
    });
    const collecting = Array.from({ length: 20 }, () => collectGarbage(folder, { maxBytes: 50_000 }));
    await Promise.all([...work, ...collecting]);
    expect((await collectGarbage(folder, { maxBytes: 50_000 })).left).toMatchObject({ temporaries: 0 });
    expect((await cacheUsage(folder)).bytes).toBeLessThanOrEqual(50_000);
  });

  it('finds a folder that is not there empty, and refuses a limit that is no number', async () => {
    const nowhere = join(folder, 'not', 'yet');
    expect(await cacheUsage(nowhere)).toEqual({ entries: 0, bytes: 0, temporaries: 0 });
    expect((await collectGarbage(nowhere, { maxBytes: 0 })).removedEntries).toBe(0);
    await expect(collect(NaN)).rejects.toThrow(RangeError);
    await expect(collect(-1)).rejects.toThrow(RangeError);
  });
});
