/**
 * Claims: (1) in whatever order vectors come, survivors and the hashes of their chunks are in ascending x; (2) a vector counts
 * once, checked before or not. Oracle: the vectors themselves, hashed and added here in the order of x.
 */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { CHUNK_BYTES, vectorRoot, wordBytes } from './digests.js';
import { actors, Rehearsal } from './rehearsal.js';

it('survivors and hashes of chunks are in ascending x, and each vector is in the sum once', () => {
  const all = actors(12); // as text, 10 is before 2
  const round = new Rehearsal(all, { parameters: 20_000 });
  const roster = round.roster(round.adverts());
  const delivered = round.deliver(all.map((actor) => round.share(actor, roster)));
  for (const [i, actor] of all.toReversed().entries()) {
    const { statement, vector } = round.mask(actor, delivered);
    if (i % 2 === 0) round.sum.check(statement, vector);
    expect(round.sum.has(actor.x)).toBe(false);
    round.sum.add(statement, vector);
    expect(round.sum.has(actor.x)).toBe(true);
  }
  const vectors = all.map(({ x }) => round.vectors.get(x) ?? new Uint32Array(0));
  expect(round.survivors().survivors).toEqual(
    all.map(({ x }, i) => ({ x, yRoot: vectorRoot(vectors[i] as Uint32Array) })),
  );
  const hashes = vectors.flatMap((vector) =>
    [0, CHUNK_BYTES].map((start) =>
      createHash('sha256')
        .update(Uint8Array.of(0))
        .update(wordBytes(vector).subarray(start, start + CHUNK_BYTES))
        .digest(),
    ),
  );
  expect(Buffer.compare(round.sum.leaves, Buffer.concat(hashes))).toBe(0);
  const total = vectors.reduce((sum, vector) => sum.map((word, k) => word + (vector[k] ?? 0)));
  expect(Buffer.compare(wordBytes(round.sum.words), wordBytes(total))).toBe(0);
});
