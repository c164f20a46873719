/**
 * Claims, of real hospitals that took part in a secure round, against a coordinator that publishes something else than the
 * sum; numbers are those of the threat model. Every hospital refuses it by a code, and takes no head from it.
 * Oracle: the honest sum of the same round is verified, and recomputed from the vectors, in the first test.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalBytes } from '@consilium/bytes';
import { digestBlob } from '@consilium/crypto';
import type { NodeOptions } from '@consilium/hospital';
import { REFUSALS, type Digest, type Statement } from '@consilium/protocol';
import { LyingCoordinator, PARAMETERS } from '../support/lying-coordinator.js';
import { addUnseen, bytesOf } from '../support/puppet.js';
import { until } from '../support/until.js';

const ALL = ['a', 'b', 'c', 'd'];
/** The first coordinate: after the count, the weight and seven figures. */
const COORDINATE = 9;
let lying: LyingCoordinator;
let opened: Awaited<ReturnType<LyingCoordinator['open']>>;
async function led(node: Partial<NodeOptions> = {}): Promise<void> {
  lying = await LyingCoordinator.summon(ALL, { node });
  lying.plan();
  opened = await lying.open();
}
afterEach(() => lying.dismiss());

const altered = (how: (sum: Int32Array) => void): Int32Array => {
  const sum = opened.keep.sum.slice();
  how(sum);
  return sum;
};

async function expectRefused(aggregate: Statement<'secagg-aggregate'>, code: string): Promise<void> {
  lying.tell('secagg-aggregate', aggregate);
  for (const name of ALL) expect(await lying.refusalOf(name)).toBe(code);
  expect(lying.verified.size).toBe(0);
}

/** Who may read less than all vectors recomputes some chunks of the sum: here the only one. */
const READERS = [
  ['whole', {}],
  ['sampled', { recomputeBytes: 0 }],
] as const;

describe.each(READERS)('24. an altered aggregate, recomputed %s,', (recomputed, node) => {
  beforeEach(() => led(node));

  it('is none without a change: every hospital recomputes the sum', async () => {
    lying.tell('secagg-aggregate', lying.aggregate(opened));
    await until(() => lying.verified.size === 4);
    expect([...lying.verified.values()]).toEqual([recomputed, recomputed, recomputed, recomputed]);
  });

  it('by one unit fails its checksums', async () => {
    const sum = altered((words) => {
      words[COORDINATE] = (words[COORDINATE] ?? 0) + 1;
    });
    await expectRefused(lying.aggregate(opened, sum, new Float32Array(PARAMETERS)), 'SUM_CORRUPT');
  });

  it('by one unit, with checksums and head recomputed, fails the recomputation of every hospital', async () => {
    const sum = altered((words) => {
      addUnseen(words, opened.send.sessionId, COORDINATE, 1);
    });
    await expectRefused(lying.aggregate(opened, sum), 'AGGREGATE_FORGED');
  });

  it('that does not have the announced bytes, or other survivors, or an old session, is refused', async () => {
    const honest = lying.aggregate(opened);
    lying.tell('secagg-aggregate', { ...honest, survivors: [1, 2, 3] }, ['a']);
    expect(await lying.refusalOf('a')).toBe('SPLIT_VIEW');
    lying.tell('secagg-aggregate', { ...honest, sessionId: 'ab'.repeat(32) as Digest }, ['b']);
    expect(await lying.refusalOf('b')).toBe('WRONG_CONTEXT');
    const other = altered((words) => words.fill(0));
    lying.blobs.set(honest.sumDigest, bytesOf(other));
    lying.tell('secagg-aggregate', honest, ['c']);
    await until(() => lying.outcomes.has('c'));
    expect(lying.outcomes.get('c')).toMatchObject({ ended: 'refused-here', code: 'COORDINATOR_MISBEHAVED' });
  });

  it('with secrets that their owners did not commit to is refused', async () => {
    const honest = lying.aggregate(opened);
    const secrets = opened.keep.recovered.map(({ x, type }) => ({ x, type, secret: 'ab'.repeat(32) }));
    const revealed = canonicalBytes(secrets);
    lying.blobs.set(digestBlob(revealed), revealed);
    const revealedDigest = digestBlob(revealed) as Digest;
    await expectRefused({ ...honest, revealedDigest, revealedBytes: revealed.length }, 'AGGREGATE_FORGED');
  });
});

it.each([
  ['whole', {}, REFUSALS.DIGEST_MISMATCH],
  ['sampled', { recomputeBytes: 0 }, 'AGGREGATE_FORGED'],
] as const)(
  '17. one bit of a published vector, changed at rest, is seen where it is read %s',
  async (_, node, code) => {
    await led(node);
    const honest = lying.aggregate(opened);
    const [, second] = lying.wordsOf('masked');
    const { blobDigest } = second?.opened.body as unknown as Statement<'masked'>;
    const bytes = Uint8Array.from(lying.blobs.get(blobDigest) ?? []);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    lying.blobs.set(blobDigest, bytes);
    await expectRefused(honest, code);
  },
);

it('24. hashes of chunks that do not give the roots that were agreed to are refused', async () => {
  await led({ recomputeBytes: 0 });
  const leaves = new Uint8Array(128);
  lying.blobs.set(digestBlob(leaves), leaves);
  await expectRefused({ ...lying.aggregate(opened), leavesDigest: digestBlob(leaves) as Digest }, 'AGGREGATE_FORGED');
});

it('23. a head that does not follow from the sum is refused by every hospital', async () => {
  await led();
  await expectRefused(lying.aggregate(opened, opened.keep.sum, new Float32Array(PARAMETERS)), 'AGGREGATE_FORGED');
});
