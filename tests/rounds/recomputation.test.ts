/**
 * Claims, over real sockets with a head whose vectors have several chunks: a hospital that may read all vectors recomputes
 * the whole sum, one that may read less recomputes random chunks of it, and both say which; vectors of earlier rounds stay for audits.
 * Oracle: what each node says; the hospitals end with one head.
 */
import { afterEach, expect, it } from 'vitest';
import { evidenceSchema, parseUnverified } from '@consilium/protocol';
import { waveUpdate } from '../support/expected-head.js';
import { convene, knownLearner, type Consortium } from '../support/federation.js';

let consortium: Consortium | undefined;
afterEach(async () => consortium?.dismantle());

const INPUTS = 16_000;
/** And the words of the head: three chunks of 64 KiB. */
const PARAMETERS = 3 * (INPUTS + 1);
const CHUNK_BYTES = 65_536;

it('each hospital recomputes as much of a sum as it may read', { timeout: 120_000 }, async () => {
  const here = (consortium = await convene(['a', 'b', 'c'], {
    ...{ mode: 'secagg', minHospitals: 3, rounds: 2, clipNorm: 200, embeddingLength: INPUTS },
  }));
  const outcomes = await Promise.all(
    ['a', 'b', 'c'].map((name, k) => {
      const learner = knownLearner(10 + k, waveUpdate(k, PARAMETERS), INPUTS);
      // Two chunks of each vector for `a`, all for `b`, one for `c`: a bound below one chunk of each reads that all the same.
      const bounds = [{ recomputeBytes: 2 * 3 * CHUNK_BYTES }, {}, { recomputeBytes: 1 }];
      return here.join(name, learner, { modes: ['secagg'], ...bounds[k] });
    }),
  );
  const heads = outcomes.map((outcome) => (outcome.ended === 'finished' ? outcome.model : undefined));
  expect(heads[0]).toHaveLength(PARAMETERS);
  expect(heads[1]).toEqual(heads[0]);
  expect(heads[2]).toEqual(heads[0]);
  const verified = here.nodeProgress.flatMap((step) =>
    step.event === 'verified' && step.round === 2 ? [[step.hospital, step.recomputed]] : [],
  );
  expect(verified.sort()).toEqual([
    ['a', 'sampled'],
    ['b', 'whole'],
    ['c', 'sampled'],
  ]);
  // The vectors of the round before are still there for an audit.
  const { body } = (await here.conductor.secure?.past(1))?.aggregate ?? {};
  const shown = await here.conductor.readPublished(body?.evidenceDigest ?? '', 0, body?.evidenceBytes ?? 0);
  const { vectors } = evidenceSchema.parse(JSON.parse(shown.bytes.toString('utf8')));
  expect(vectors).toHaveLength(3);
  for (const { envelope } of vectors) {
    const { blobDigest } = parseUnverified('masked', envelope).body;
    const { sizeBytes } = await here.conductor.readPublished(blobDigest, 0, 4);
    expect(sizeBytes).toBeGreaterThan(4 * PARAMETERS);
  }
});
