/**
 * Claims: (1) updates of several chunks and several blocks give the median of each coordinate; (2) bytes that the store has
 * changed are the store's fault: nobody is excluded for them, and nothing is summed; (3) what is measured of an excluded
 * update is written however large it is. Oracle: numbers sorted by hand; sealUpdate.
 */
import { expect, it } from 'vitest';
import { digestBlob, generateRoundKey, sealUpdate } from '@consilium/crypto';
import type { Digest, HospitalId } from '@consilium/protocol';
import type { ReceivedUpdate } from '@consilium/rounds';
import type { BlobStore } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import { robustSum, type SealedRound } from './robust-sum.js';
import { updateName } from './sealed-sum.js';

const context = { runId: 'run', round: 1, attempt: 1, planDigest: 'ab'.repeat(32) };
const key = generateRoundKey();

function stored(values: readonly Float32Array[]): {
  round: SealedRound;
  updates: ReceivedUpdate[];
  blobs: Map<string, Uint8Array>;
} {
  const blobs = new Map<string, Uint8Array>();
  const updates = values.map((update, i): ReceivedUpdate => {
    const hospitalId = `h${i}` as HospitalId;
    const sealed = sealUpdate(floatBytes(update), key.publicKey, { ...context, hospitalId });
    const blobDigest = digestBlob(sealed) as Digest;
    blobs.set(updateName(context, { hospitalId, blobDigest }), sealed);
    return { hospitalId, blobDigest, blobBytes: sealed.length, examples: i + 1, loss: 1 };
  });
  const store: Pick<BlobStore, 'size' | 'read'> = {
    size: (_run, name) => Promise.resolve(blobs.get(name)?.length),
    read: (_run, name, offset, length) =>
      Promise.resolve(Uint8Array.from(blobs.get(name)?.subarray(offset, offset + length) ?? [])),
  };
  const config = {
    ...{ parameters: values[0]?.length ?? 0, clipNorm: '100000', minHospitals: 3 },
    aggregation: { rule: 'median' as const },
  };
  return { round: { blobs: store as BlobStore, roundSecretKey: key.secretKey, context, config }, updates, blobs };
}

it('takes the median of updates that are longer than a block', async () => {
  const parameters = 360_000;
  const at = (i: number, k: number): number => ((k * 7 + i * 13) % 31) - 15;
  const values = [0, 1, 2].map((i) => Float32Array.from({ length: parameters }, (_, k) => at(i, k)));
  const { round, updates } = stored(values);
  const { mean, totalExamples, exclusions } = await robustSum(round, updates);
  expect(exclusions).toEqual([]);
  expect(totalExamples).toBe(6);
  const expected = Float64Array.from({ length: parameters }, (_, k) => {
    const sorted = [at(0, k), at(1, k), at(2, k)].sort((x, y) => x - y);
    return sorted[1] as number;
  });
  expect(mean?.every((value, k) => value === expected[k])).toBe(true);
});

it('does not blame a hospital for what the store has changed', async () => {
  const { round, updates, blobs } = stored([1, 2, 3, 4].map((value) => new Float32Array(5).fill(value)));
  const sealed = blobs.get(updateName(context, updates[1] as ReceivedUpdate)) as Uint8Array;
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
  await expect(robustSum(round, updates)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});

it('writes a measure of any size', async () => {
  const values = [1, 2, 3, 3e38].map((value) => new Float32Array(5).fill(value));
  const { round, updates } = stored(values);
  const { exclusions, mean } = await robustSum(round, updates);
  expect(mean).toEqual(new Float64Array(5).fill(2));
  expect(exclusions).toEqual([
    {
      ...{ hospitalId: 'h3', blobDigest: updates[3]?.blobDigest, reason: 'UPDATE_NOT_CLIPPED' },
      measured: { statistic: 'l2-norm', value: '999999999999999', bound: '100000.1' },
    },
  ]);
});
