/**
 * Claims: (1) a round trains as the signed configuration says, at the learning rates of its place in the run; (2) the
 * proximal term ties a round to the shared head and leaves a head trained alone free; (3) a head trained alone meets the
 * rates of all rounds in order; a second run with the same seed does not repeat the updates of the first; (4) early stop works on the validation part, and is off where there is none.
 * Oracle: `trainHead` with the settings written out; norms of updates.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend, trainHead, type Examples, type HeadBackend } from '@consilium/head';
import { initialParameters } from '@consilium/model-spec';
import type { RunConfig } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { fitAlone, fitRound, roundSeed } from './fit-head.js';

const head = { kind: 'linear', inputs: 6, classes: 3 } as const;
const training: RunConfig['training'] = {
  ...{ epochs: 2, batchSize: 8, learningRate: '0.05', l2: '0.01', proximalMu: '0' },
  ...{
    schedule: { kind: 'step', everyEpochs: 2, factor: '0.1' },
    classWeights: 'balanced',
    earlyStopPatienceEpochs: 0,
  },
};
/** The fields that training looks at. */
const config = (changes: Partial<RunConfig['training']> = {}): RunConfig =>
  ({ head, seed: 's', rounds: 3, training: { ...training, ...changes } }) as unknown as RunConfig;

function drawn(seed: string, n: number): Examples {
  const random = new SeededRandom(seed);
  const labels = Int32Array.from({ length: n }, (_, k) => (k % 4 === 0 ? 0 : 1 + (k % 2)));
  const embeddings = Float32Array.from({ length: 6 * n }, (_, at) =>
    random.normal(at % 6 === labels[Math.floor(at / 6)] ? 1.5 : 0),
  );
  return { labels, embeddings };
}
const none: Examples = { labels: new Int32Array(0), embeddings: new Float32Array(0) };
const parts = { train: drawn('train', 40), validation: none };
const start = initialParameters(head, 's');
const norm = (values: Float32Array, from: Float32Array): number =>
  Math.hypot(...values.map((value, k) => value - (from[k] as number)));

let backend: HeadBackend;
beforeAll(async () => {
  backend = await openBackend('tfjs-wasm');
});

const written = {
  ...{ spec: head, examples: parts.train, batchSize: 8, learningRate: 0.05, l2: 0.01, proximalMu: 0 },
  schedule: { kind: 'step', everyEpochs: 2, factor: 0.1 },
  classWeights: 'balanced',
} as const;

describe('fitRound', () => {
  it('gives the same update again in the same run, and another in a run of another name', async () => {
    const trained = async (runId: string): Promise<number[]> => {
      const seed = roundSeed({ seed: 's', runId: runId as RunConfig['runId'] }, 'a', 1);
      return [...(await fitRound(backend, config(), start, parts, { round: 1, seed })).parameters];
    };
    expect(await trained('first')).toEqual(await trained('first'));
    expect(await trained('second')).not.toEqual(await trained('first'));
  });

  it('trains as the configuration says, at the rates of its round', async () => {
    for (const [round, learningRate] of [
      [1, 0.05],
      [3, 0.05 * 0.01],
    ] as const) {
      const { parameters, loss } = await fitRound(backend, config(), start, parts, { round, seed: 'seed' });
      const constant = { ...written, learningRate, schedule: { kind: 'constant' } as const };
      const expected = await trainHead(backend, { ...constant, parameters: start, epochs: 2, seed: 'seed' });
      for (const [k, value] of parameters.entries()) expect(value).toBeCloseTo(expected.parameters[k] as number, 6);
      expect(loss).toBeCloseTo(expected.lossPerEpoch[1] as number, 6);
    }
  });

  it('stays nearer to the shared head with a proximal term', async () => {
    const moved = async (proximalMu: string): Promise<number> =>
      norm(
        (await fitRound(backend, config({ proximalMu }), start, parts, { round: 1, seed: 'seed' })).parameters,
        start,
      );
    expect(await moved('10')).toBeLessThan(0.7 * (await moved('0')));
  });

  it('stops early where there is a validation part, and only there', async () => {
    // Labels that training contradicts: each epoch is worse than the one before.
    const wrong = { ...parts.train, labels: parts.train.labels.map((label) => (label + 1) % 3) };
    const stopping = config({ epochs: 6, earlyStopPatienceEpochs: 1, schedule: { kind: 'constant' } });
    const stopped = await fitRound(
      backend,
      stopping,
      start,
      { ...parts, validation: wrong },
      { round: 1, seed: 'seed' },
    );
    const oneEpoch = await fitRound(backend, config({ epochs: 1 }), start, parts, { round: 1, seed: 'seed' });
    expect([...stopped.parameters]).toEqual([...oneEpoch.parameters]);
    expect(stopped.loss).toBe(oneEpoch.loss);
    const blind = await fitRound(backend, stopping, start, parts, { round: 1, seed: 'seed' });
    expect(norm(blind.parameters, start)).toBeGreaterThan(norm(stopped.parameters, start));
  });
});

describe('fitAlone', () => {
  it('has the epochs and the rates of the whole run, and no proximal term', async () => {
    const { parameters } = await fitAlone(backend, config({ proximalMu: '10' }), parts, 'seed');
    const expected = await trainHead(backend, { ...written, parameters: start, epochs: 6, seed: 'seed' });
    expect([...parameters]).toEqual([...expected.parameters]);
  });
});
