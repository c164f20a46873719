/**
 * Claims: (1) however many ask at once for a head that is not in memory, it is read once, and all get the same; (2) a read that
 * failed is not remembered; (3) what was not published is not read. Oracle: a store that counts its reads.
 */
import { expect, it } from 'vitest';
import type { Digest } from '@consilium/protocol';
import { StoreError, type BlobStore } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import { modelName, PublishedModels } from './published-models.js';

const HEAD = 'aa'.repeat(32) as Digest;
const bytes = floatBytes(Float32Array.of(1, 2, 3));

function restarted(failures = 0): { models: PublishedModels; reads: string[] } {
  const reads: string[] = [];
  const blobs = {
    size: () => Promise.resolve(bytes.length),
    read: (_run: string, name: string) => {
      reads.push(name);
      return reads.length <= failures
        ? Promise.reject(new StoreError('STORE_UNAVAILABLE', 'away'))
        : Promise.resolve(bytes);
    },
  };
  const models = new PublishedModels(blobs as unknown as BlobStore, 'run-1');
  models.know(1, HEAD);
  return { models, reads };
}

it('is read once for all who ask', async () => {
  const { models, reads } = restarted();
  const heads = await Promise.all(Array.from({ length: 100 }, () => models.read(HEAD)));
  expect(reads).toEqual([modelName(HEAD)]);
  expect(new Set(heads).size).toBe(1);
  expect(heads[0]).toEqual(Float32Array.of(1, 2, 3));
  expect(await models.read(HEAD)).toBe(heads[0]);
});

it('is read again after a failure', async () => {
  const { models, reads } = restarted(1);
  const asked = [models.read(HEAD), models.read(HEAD)];
  for (const answer of asked) await expect(answer).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(await models.read(HEAD)).toEqual(Float32Array.of(1, 2, 3));
  expect(reads).toHaveLength(2);
});

it('is not read unless it was published', async () => {
  const { models, reads } = restarted();
  await expect(models.read('bb'.repeat(32))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  expect(reads).toEqual([]);
});
