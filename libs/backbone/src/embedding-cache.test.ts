/**
 * Claims: (1) what was put is got, bit by bit, by any process with the same key; (2) another value of any part of the key
 * is a miss; (3) a file that is torn, damaged or moved to another name is a miss and can be put again; (4) puts at the
 * same time leave one whole file and nothing else; (5) only the owner can read, and no name comes from the image.
 * Oracle: the bytes, and the folder as the file system shows it.
 */
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { type CacheKey, EmbeddingCache } from './embedding-cache.js';

const key: CacheKey = {
  backboneHash: 'b1',
  preprocessingVersion: 'p1',
  engineId: 'onnxruntime-cpu',
  precision: 'fp32',
};
const image = 'ab'.repeat(32);
const random = new SeededRandom('embedding');
const embedding = Float32Array.from({ length: 2048 }, () => random.uniform(-3, 3));

let base: string;
let folder: string;
let cache: EmbeddingCache;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'cache-'));
  folder = join(base, 'not', 'yet');
  cache = new EmbeddingCache(folder, key);
});
afterEach(() => rm(base, { recursive: true }));

async function onlyFile(): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? '');
}

describe('EmbeddingCache', () => {
  it('gives back what was put, and misses before', async () => {
    expect(await cache.get(image)).toBeUndefined();
    await cache.put(image, embedding);
    expect(await cache.get(image)).toEqual(embedding);
    expect(await new EmbeddingCache(folder, { ...key }).get(image)).toEqual(embedding);
  });

  it('stores 8,192 bytes and a digest for the owner alone, under a name that tells nothing', async () => {
    // A view into a larger buffer: only the view is stored.
    await cache.put(image, new Float32Array([9, ...embedding, 9]).subarray(1, 2049));
    const path = await onlyFile();
    expect(path).toMatch(/[0-9a-f]{64}$/);
    expect(path).not.toContain(image);
    const bytes = await readFile(path);
    expect(bytes).toHaveLength(8192 + 32);
    expect(bytes.readFloatLE(4 * 2047)).toBe(embedding[2047]);
    expect(((await stat(path)).mode & 0o77) | ((await stat(folder)).mode & 0o77)).toBe(0);
  });

  it('misses with another value of any part of the key', async () => {
    await cache.put(image, embedding);
    const others = [
      { ...key, backboneHash: 'b2' },
      { ...key, preprocessingVersion: 'p2' },
      // The parts are not merely joined.
      { ...key, backboneHash: 'b1p', preprocessingVersion: '1' },
    ];
    for (const other of others) expect(await new EmbeddingCache(folder, other).get(image)).toBeUndefined();
    expect(await cache.get('cd'.repeat(32))).toBeUndefined();
  });

  it('misses a torn or damaged file, and takes a new one', async () => {
    await cache.put(image, embedding);
    const path = await onlyFile();
    const whole = await readFile(path);
    const damaged = (at: number) => whole.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const files = [
      new Uint8Array(0),
      whole.subarray(0, 5000),
      whole.subarray(0, 8192),
      Buffer.concat([whole, whole]),
      damaged(0),
      damaged(8191),
      damaged(8200),
      new Uint8Array(8224),
    ];
    for (const file of files) {
      await writeFile(path, file);
      expect(await cache.get(image)).toBeUndefined();
    }
    await cache.put(image, embedding);
    expect(await cache.get(image)).toEqual(embedding);
  });

  it('misses a file that was moved to the name of another image', async () => {
    await cache.put(image, embedding);
    const first = await onlyFile();
    await cache.put('cd'.repeat(32), embedding);
    const second = (await readdir(folder)).map((name) => join(folder, name)).find((path) => path !== first) ?? '';
    await rename(first, second);
    expect(await cache.get('cd'.repeat(32))).toBeUndefined();
  });

  it('leaves one whole file when many put at once', async () => {
    const caches = Array.from({ length: 8 }, () => new EmbeddingCache(folder, key));
    await Promise.all(caches.map((each) => each.put(image, embedding)));
    await onlyFile();
    expect(await cache.get(image)).toEqual(embedding);
  });

  it('refuses another length, and shows the error of the file system', async () => {
    await expect(cache.put(image, embedding.subarray(1))).rejects.toThrow(RangeError);
    await writeFile(join(base, 'file'), '');
    await expect(new EmbeddingCache(join(base, 'file'), key).put(image, embedding)).rejects.toThrow();
  });
});
