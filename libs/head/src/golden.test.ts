/**
 * Claims: (1) three epochs of training, linear and mlp, whole batch and mini-batches, end where float64 automatic
 * differentiation and an independent Adam end, within 1e-5, on wasm and on cpu; (2) the shuffle is the recorded one;
 * (3) the float64 reference of the self-test is right as well; (4) predictions agree with the same oracle.
 * Oracle: JAX and optax in float64 (vectors/training.json says how).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parameterCount, type HeadSpec } from '@consilium/model-spec';
import { epochOrder } from './batches.js';
import { openBackend, predict, trainHead } from './index.js';
import { referenceSteps } from './reference.js';

interface Case {
  readonly name: string;
  readonly spec: HeadSpec;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly epochs: number;
  readonly seed: string;
  readonly orders: number[][];
  readonly parameters: number[];
  readonly trained: number[];
  readonly lossPerEpoch: number[];
  readonly probabilities: number[];
}
const golden = JSON.parse(readFileSync(new URL('../vectors/training.json', import.meta.url), 'utf8')) as {
  readonly embeddings: number[];
  readonly labels: number[];
  readonly cases: Case[];
};
const examples = {
  embeddings: Float32Array.from(golden.embeddings),
  labels: Int32Array.from(golden.labels),
};
const n = golden.labels.length;
const plain = { proximalMu: 0, classWeights: 'none', schedule: { kind: 'constant' } } as const;

/** Largest error relative to the value, for values below `floor` relative to `floor`. */
function worst(actual: ArrayLike<number>, expected: readonly number[], floor: number): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...expected.map((e, k) => Math.abs((actual[k] as number) - e) / Math.max(Math.abs(e), floor)));
}

describe.each(golden.cases)('$name', (one) => {
  const { spec, batchSize, learningRate, l2, epochs, seed } = one;
  const parameters = Float32Array.from(one.parameters);

  it('shuffles in the recorded order', () => {
    expect([1, 2, 3].map((epoch) => epochOrder(seed, epoch, n))).toEqual(one.orders);
  });

  it.each(['tfjs-wasm', 'tfjs-cpu'] as const)('trains to the same parameters on %s', async (id) => {
    const backend = await openBackend(id);
    const settings = { epochs, batchSize, learningRate, l2, seed, ...plain };
    const trained = await trainHead(backend, { spec, parameters, examples, ...settings });
    expect(trained.parameters).toHaveLength(parameterCount(spec));
    expect(worst(trained.parameters, one.trained, 0.01)).toBeLessThan(1e-5);
    expect(worst(trained.lossPerEpoch, one.lossPerEpoch, 0)).toBeLessThan(1e-5);
    expect(trained.steps).toBe(3 * Math.ceil(n / batchSize));
  });

  it('holds the float64 reference to twelve digits', () => {
    const steps = one.orders.flatMap((order) =>
      Array.from({ length: Math.ceil(n / batchSize) }, (_, b) => ({
        rows: order.slice(b * batchSize, (b + 1) * batchSize),
        learningRate,
      })),
    );
    const weightOfClass = new Float64Array(3).fill(1);
    const reference = referenceSteps(spec, parameters, examples, steps, { l2, proximalMu: 0, weightOfClass });
    expect(worst(reference.parameters, one.trained, 0)).toBeLessThan(1e-12);
    const totalLoss = one.lossPerEpoch.reduce((a, b) => a + b) * n;
    expect(Math.abs(reference.summedLoss - totalLoss)).toBeLessThan(1e-10);
  });

  it('predicts the same probabilities', () => {
    const probabilities = predict(spec, Float32Array.from(one.trained), examples.embeddings, n);
    expect(worst(probabilities, one.probabilities, 1e-3)).toBeLessThan(1e-5);
  });
});
