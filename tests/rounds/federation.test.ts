/**
 * Claims: (1) three hospitals and a coordinator over real sockets end with the head that FedAvg in float64 gives, bit for
 * bit, in whatever order they came; (2) progress names each round and each hospital with its examples.
 * Oracle: the weighted mean of tests/support/expected-head.ts.
 */
import { afterEach, expect, it } from 'vitest';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { expectedHead, waveUpdate, type Part } from '../support/expected-head.js';

let consortium: Consortium | undefined;
afterEach(async () => consortium?.dismantle());

const SPEC = { kind: 'linear', inputs: 4, classes: 3 } as const;
const PARTS = [7, 100, 31].map((examples, k): Part => ({ examples, update: waveUpdate(k, 15) }));

it('a federation over real sockets ends every hospital with the exact weighted average', async () => {
  consortium = await convene(['a', 'b', 'c']);
  const here = consortium;
  const outcomes = ['c', 'a', 'b'].map((name) => {
    const { examples, update } = PARTS['abc'.indexOf(name)] as Part;
    return here.join(name, knownLearner(examples, update));
  });
  expect(await here.conductor.ended).toMatchObject({ outcome: 'finished', reason: 'ALL_ROUNDS_DONE' });
  const expected = expectedHead(SPEC, [PARTS, PARTS, PARTS]);
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome.ended !== 'finished') throw new Error(`ended as ${outcome.ended}`);
    expect(outcome.model).toEqual(expected);
    expect(outcome.sentBytes).toBeGreaterThan(3 * 15 * 4);
  }
  const rounds = here.progress.filter((step) => step.event === 'round-done');
  expect(rounds.map(({ round }) => round)).toEqual([1, 2, 3]);
  expect(rounds[0]?.hospitals.map(({ id, trainExamples }) => [id, trainExamples])).toEqual([
    ['a', 7],
    ['b', 100],
    ['c', 31],
  ]);
});
