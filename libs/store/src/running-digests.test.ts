/**
 * Claims: a digest is known of a blob that was written in order by one leader, and of no other: not after a gap, after a write
 * that failed or is not committed, under another lease, of another size, or once it was forgotten. Oracle: node:crypto over the whole.
 */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { RunningDigests } from './running-digests.js';

const lease = { holder: 'a', token: 1 };
const bytes = Uint8Array.from({ length: 100 }, (_, k) => k);
const written = (): Promise<void> => Promise.resolve();
const WHOLE = createHash('sha256').update(bytes).digest('hex');

async function halves(digests: RunningDigests, second = lease): Promise<void> {
  await write(digests, 'x', 0, bytes.subarray(0, 40));
  await write(digests, 'x', 40, bytes.subarray(40), second);
}

async function write(digests: RunningDigests, name: string, offset: number, part: Uint8Array, by = lease) {
  const committed = await digests.during(name, offset, by, part, written);
  committed();
}

it('is known of what was written in order, as often as it is asked for', async () => {
  const digests = new RunningDigests();
  await halves(digests);
  expect([digests.of('x', 100, lease), digests.of('x', 100, lease)]).toEqual([WHOLE, WHOLE]);
  expect(digests.of('x', 99, lease)).toBeUndefined();
  expect([digests.sizeOf('x', lease), digests.sizeOf('x', { holder: 'b', token: 2 })]).toEqual([100, undefined]);
  expect(digests.of('x', 100, { holder: 'b', token: 2 })).toBeUndefined();
  digests.forget(['x']);
  expect(digests.of('x', 100, lease)).toBeUndefined();
});

it('begins anew with the first byte', async () => {
  const digests = new RunningDigests();
  await write(digests, 'x', 0, Uint8Array.of(9));
  await halves(digests);
  expect(digests.of('x', 100, lease)).toBe(WHOLE);
});

it('is not known of what another leader may have written to, or another process', async () => {
  const digests = new RunningDigests();
  await halves(digests, { holder: 'b', token: 2 });
  expect(digests.of('x', 100, { holder: 'b', token: 2 })).toBeUndefined();
  await write(digests, 'y', 40, bytes.subarray(40));
  expect(digests.of('y', 100, lease)).toBeUndefined();
});

it('is not known after a write that failed, whatever came of it', async () => {
  const digests = new RunningDigests();
  await write(digests, 'x', 0, bytes.subarray(0, 40));
  const failing = digests.during('x', 40, lease, Uint8Array.of(1, 2), () => Promise.reject(new Error('cut')));
  await expect(failing).rejects.toThrow('cut');
  expect(digests.sizeOf('x', lease)).toBeUndefined();
  await write(digests, 'x', 40, bytes.subarray(40));
  expect(digests.of('x', 100, lease)).toBeUndefined();
});

it('is not known while a transaction is open, nor when another write came in between', async () => {
  const digests = new RunningDigests();
  await write(digests, 'x', 0, bytes.subarray(0, 40));
  const committed = await digests.during('x', 40, lease, bytes.subarray(40), written);
  expect([digests.sizeOf('x', lease), digests.of('x', 100, lease)]).toEqual([undefined, undefined]);
  // Its first transaction was undone, or is about to be known as done: this one cannot tell.
  await write(digests, 'x', 40, bytes.subarray(40, 60));
  committed();
  expect([digests.sizeOf('x', lease), digests.of('x', 100, lease)]).toEqual([undefined, undefined]);
});
