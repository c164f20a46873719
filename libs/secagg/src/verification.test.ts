/**
 * Claims: a hospital believes the aggregate of its own session and set alone, and (24 of privacy.md G) sees (a) a changed
 * sum without its checksums, (b) one with checksums made anew, by recomputing the whole, (c) the same by recomputing the
 * chunk that was changed, and in no other chunk; recomputing refuses other vectors, chunks and secrets. Oracle: the honest
 * aggregate of the same round, which passes every check.
 */
import { createHash } from 'node:crypto';
import { toHex } from '@consilium/bytes';
import { digestBlob } from '@consilium/crypto';
import { describe, expect, it } from 'vitest';
import { writeChecksums } from './checksum.js';
import { CHUNK_BYTES, recoveredDigest, wordBytes } from './digests.js';
import type { Aggregate } from './messages.js';
import { actors, at, finish, Rehearsal } from './rehearsal.js';
import { Recomputation, verifyAggregate } from './verification.js';

const refusal = (code: string): Error => expect.objectContaining({ name: 'SecAggError', code }) as Error;
const PARAMETERS = 40_000; // three chunks
const all = actors(5);
const round = new Rehearsal(all, { parameters: PARAMETERS, tolerated: 1 });
const { send: aggregate, keep } = round.lead({ masked: [5] });
const witness = at(all, 1).unmasked;
const { sum, recovered } = keep;

/** What a coordinator signs that changed one coordinate and made everything else fit. */
function altered(index: number): { aggregate: Aggregate; sum: Int32Array } {
  const other = sum.slice();
  other[index] = (other[index] ?? 0) + 1;
  writeChecksums(round.cohort.sessionId, new Uint32Array(other.buffer));
  return { sum: other, aggregate: { ...aggregate, sumDigest: digestBlob(wordBytes(other)) } };
}
const vectorOf = (x: number): Uint32Array | null => round.vectors.get(x) ?? null;
const chunkOf = (chunk: number) => (x: number) =>
  wordBytes(vectorOf(x) as Uint32Array).slice(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
/** By the oracle: hashes of the chunks, a zero byte before each (RFC 6962), survivors in order. */
const leaves = Buffer.concat(
  [1, 2, 3, 4].flatMap((x) =>
    [0, 1, 2].map((chunk) => createHash('sha256').update(Uint8Array.of(0)).update(chunkOf(chunk)(x)).digest()),
  ),
);

describe('an aggregate', () => {
  it('is believed as it is, and read alike by everybody', () => {
    const { mean, weight, hospitals } = verifyAggregate(witness, aggregate, sum);
    expect([weight, hospitals]).toEqual([101 + 102 + 103 + 104, 4]);
    expect(Buffer.compare(Buffer.from(mean.buffer), Buffer.from(keep.decoded.mean.buffer))).toBe(0);
  });

  it('of an earlier attempt, round or session is refused', () => {
    for (const change of [{ attempt: 2 }, { round: 2 }, { sessionId: '00'.repeat(32) }, { from: 'h2' }]) {
      expect(() => verifyAggregate(witness, { ...aggregate, ...change }, sum)).toThrow(refusal('WRONG_CONTEXT'));
    }
  });

  it('of other survivors than agreed is refused', () => {
    for (const survivors of [
      [1, 2, 3],
      [1, 2, 3, 5],
      [1, 2, 3, 4, 5],
    ]) {
      expect(() => verifyAggregate(witness, { ...aggregate, survivors }, sum)).toThrow(refusal('SPLIT_VIEW'));
    }
  });

  it('24a. that was changed is refused: by its digest, or by its checksums if it was announced so', () => {
    const other = sum.with(7, (sum[7] ?? 0) + 1);
    expect(() => verifyAggregate(witness, aggregate, other)).toThrow(refusal('AGGREGATE_FORGED'));
    const announced = { ...aggregate, sumDigest: digestBlob(wordBytes(other)) };
    expect(() => verifyAggregate(witness, announced, other)).toThrow(refusal('SUM_CORRUPT'));
  });
});

describe('recomputing', () => {
  it('the honest sum passes, whole and in each chunk', () => {
    const honest = new Recomputation(witness, aggregate, sum, recovered);
    honest.requireWhole(vectorOf);
    expect(honest.chunks).toBe(3);
    expect(Buffer.compare(round.sum.leaves, leaves)).toBe(0);
    const requireChunk = honest.sampling(round.sum.leaves);
    for (let chunk = 0; chunk < 3; chunk++) requireChunk(chunk, chunkOf(chunk));
  });

  it('24b. sees one unit in one coordinate, although the checksums fit', () => {
    const lie = altered(30_000);
    verifyAggregate(witness, lie.aggregate, lie.sum); // alone this does not see it
    const check = new Recomputation(witness, lie.aggregate, lie.sum, recovered);
    expect(() => {
      check.requireWhole(vectorOf);
    }).toThrow(refusal('AGGREGATE_FORGED'));
  });

  it('24c. sees it in its chunk and in the one of the checksums, and in no other', () => {
    const lie = altered(20_000);
    const check = new Recomputation(witness, lie.aggregate, lie.sum, recovered);
    const requireChunk = check.sampling(leaves);
    requireChunk(0, chunkOf(0));
    for (const chunk of [1, 2]) {
      expect(() => {
        requireChunk(chunk, chunkOf(chunk));
      }).toThrow(refusal('AGGREGATE_FORGED'));
    }
  });

  it('takes no other vector or chunk than the one that was agreed to', () => {
    const check = new Recomputation(witness, aggregate, sum, recovered);
    for (const wrong of [null, new Uint32Array(round.plan.words), new Uint32Array(3), vectorOf(2)]) {
      expect(() => {
        check.requireWhole((x) => (x === 1 ? wrong : vectorOf(x)));
      }).toThrow(refusal('AGGREGATE_FORGED'));
    }
    const requireChunk = check.sampling(leaves);
    for (const wrong of [null, chunkOf(1)(1), chunkOf(0)(2), chunkOf(0)(1).subarray(4)]) {
      expect(() => {
        requireChunk(0, (x) => (x === 1 ? wrong : chunkOf(0)(x)));
      }).toThrow(refusal('AGGREGATE_FORGED'));
    }
    for (const chunk of [-1, 3, 0.5])
      expect(() => {
        requireChunk(chunk, chunkOf(0));
      }).toThrow(RangeError);
  });

  it('takes no other hashes of chunks than those that were agreed to', () => {
    const check = new Recomputation(witness, aggregate, sum, recovered);
    const swapped = Buffer.concat([leaves.subarray(32, 64), leaves.subarray(0, 32), leaves.subarray(64)]);
    const flipped = Buffer.from(leaves);
    flipped[300] = (flipped[300] ?? 0) ^ 1;
    for (const wrong of [swapped, flipped, leaves.subarray(32), Buffer.concat([leaves, leaves.subarray(0, 32)])]) {
      expect(() => check.sampling(wrong)).toThrow(refusal('AGGREGATE_FORGED'));
    }
  });

  it('takes no vectors or chunks whose changes cancel in the sum', () => {
    const check = new Recomputation(witness, aggregate, sum, recovered);
    const shifted = (x: number): Uint32Array => {
      const vector = (vectorOf(x) as Uint32Array).slice();
      vector[9] = (vector[9] ?? 0) + (x === 1 ? 1 : x === 2 ? -1 : 0);
      return vector;
    };
    expect(() => {
      check.requireWhole(shifted);
    }).toThrow(refusal('AGGREGATE_FORGED'));
    expect(() => {
      check.sampling(leaves)(0, (x) => wordBytes(shifted(x)).slice(0, CHUNK_BYTES));
    }).toThrow(refusal('AGGREGATE_FORGED'));
  });

  it('takes no secrets other than announced', () => {
    const others = aggregate.recovered.map((entry, i) => (i === 3 ? { ...entry, digest: '00'.repeat(32) } : entry));
    const one = aggregate.recovered[3] as Aggregate['recovered'][number];
    const lists = [
      others,
      aggregate.recovered.with(3, { ...one, x: one.x + 1 }),
      aggregate.recovered.with(3, { ...one, type: 'mask-key' }),
      aggregate.recovered.slice(0, -1),
      [...aggregate.recovered, one],
    ];
    for (const list of lists) {
      expect(() => new Recomputation(witness, { ...aggregate, recovered: list }, sum, recovered)).toThrow(
        refusal('AGGREGATE_FORGED'),
      );
    }
  });

  it('takes no other secret than the one committed to, even if it was announced', () => {
    const forged = refusal('AGGREGATE_FORGED');
    for (const given of [recovered.slice(1), recovered.slice(0, -1), [...recovered, ...recovered.slice(-1)]]) {
      expect(() => new Recomputation(witness, aggregate, sum, given)).toThrow(forged);
    }
    expect(() => new Recomputation(witness, aggregate, sum, recovered.toReversed())).toThrow(forged);
    for (const place of [0, 4]) {
      const secrets = recovered.map((entry, i) =>
        i === place ? { ...entry, secret: entry.secret.map((b) => b ^ 255) } : entry,
      );
      expect(() => new Recomputation(witness, aggregate, sum, secrets)).toThrow(forged);
      const announced = secrets.map(({ x, type, secret }) => ({
        ...{ x, type, digest: recoveredDigest(round.cohort.sessionId, type, x, secret) },
      }));
      expect(() => new Recomputation(witness, { ...aggregate, recovered: announced }, sum, secrets)).toThrow(forged);
    }
  });
});

it('two rounds of the same hospitals have no key, session or commitment in common', () => {
  const again = new Rehearsal(actors(5), { parameters: 8, tolerated: 1 });
  again.toSum();
  expect(again.cohort.sessionId).not.toBe(round.cohort.sessionId);
  again.cohort.members.forEach(({ seedCommit, maskKey }, i) => {
    expect(seedCommit).not.toBe(round.cohort.members[i]?.seedCommit);
    expect(toHex(maskKey)).not.toBe(toHex(round.cohort.members[i]?.maskKey ?? new Uint8Array(0)));
  });
  expect(finish(again, again.all).keep.decoded.hospitals).toBe(5);
});
