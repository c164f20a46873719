/**
 * Claims: (1) class weights, schedules over a run, the proximal term and early stopping, alone and together, end where
 * float64 automatic differentiation, optax's Adam and its schedules end, within 1e-5, on wasm and on cpu; (2) early stop
 * returns the best epoch and not the last; (3) the reference's gradient is that of the objective as it is written, kink of
 * the relu aside; (4) rounds joined together meet the learning rates of one long training; (5) balanced weights have mean 1.
 * Oracle: JAX, optax and scikit-learn (vectors/make_options.py); central differences of an objective written here.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parameterCount, type HeadSpec } from '@consilium/model-spec';
import { SeededRandom } from '@consilium/tensors';
import { classWeights, type ClassWeighting } from './class-weights.js';
import { activations, softmax } from './forward.js';
import { openBackend, trainHead, type Examples, type RunSpan, type Schedule, type TrainingJob } from './index.js';
import { layersOf } from './layers.js';
import { referenceGradient } from './reference.js';
import { scheduleFactor } from './schedule.js';

interface Case {
  readonly name: string;
  readonly spec: HeadSpec;
  readonly epochs: number;
  readonly span: RunSpan;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly proximalMu: number;
  readonly classWeights: ClassWeighting;
  readonly schedule: Schedule;
  readonly seed: string;
  readonly trainRows: number;
  readonly patienceEpochs: number;
  readonly parameters: number[];
  readonly trained: number[];
  readonly epoch: number;
  readonly lossPerEpoch: number[];
  readonly validationLossPerEpoch: number[];
}
const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8'));
const { cases } = read('options.json') as { readonly cases: Case[] };
const source = read('training.json') as { readonly embeddings: number[]; readonly labels: number[] };

const rowsOf = (from: number, to: number): Examples => ({
  embeddings: Float32Array.from(source.embeddings.slice(from * 5, to * 5)),
  labels: Int32Array.from(source.labels.slice(from, to)),
});
const worst = (actual: ArrayLike<number>, expected: readonly number[]): number => {
  expect(actual.length).toBe(expected.length);
  return Math.max(0, ...expected.map((e, k) => Math.abs((actual[k] as number) - e)));
};

describe.each(cases)('$name', (one) => {
  it.each(['tfjs-wasm', 'tfjs-cpu'] as const)('agrees with JAX and optax on %s', async (id) => {
    const { parameters, trainRows, patienceEpochs, trained, lossPerEpoch, validationLossPerEpoch, epoch, ...rest } =
      one;
    const job: TrainingJob = {
      ...rest,
      parameters: Float32Array.from(parameters),
      examples: rowsOf(0, trainRows),
      ...(patienceEpochs > 0 && { earlyStop: { patienceEpochs, validation: rowsOf(trainRows, 12) } }),
    };
    const actual = await trainHead(await openBackend(id), job);
    expect(actual.epoch).toBe(epoch);
    expect(worst(actual.lossPerEpoch, lossPerEpoch)).toBeLessThan(1e-5);
    expect(worst(actual.validationLossPerEpoch, validationLossPerEpoch)).toBeLessThan(1e-5);
    expect(worst(actual.parameters, trained)).toBeLessThan(1e-5);
    expect(actual.steps).toBe(lossPerEpoch.length * Math.ceil(trainRows / rest.batchSize));
  });
});

it('has golden cases in which an option decides: a stop before the end, and a best epoch before the last', () => {
  const stopped = cases.filter(({ patienceEpochs }) => patienceEpochs > 0);
  expect(stopped).toHaveLength(2);
  for (const { epoch, epochs, validationLossPerEpoch } of stopped) {
    expect(epoch).toBeLessThan(validationLossPerEpoch.length);
    expect(validationLossPerEpoch.length).toBeLessThan(epochs);
  }
});

describe('the gradient', () => {
  it.each<HeadSpec>([
    { kind: 'linear', inputs: 3, classes: 4 },
    { kind: 'mlp', inputs: 3, hidden: 5, classes: 3 },
  ])('of the reference is that of the objective: $kind', (spec) => {
    const random = new SeededRandom('gradient');
    const d = parameterCount(spec);
    const examples = {
      embeddings: Float32Array.from({ length: 6 * spec.inputs }, () => random.normal()),
      labels: Int32Array.of(0, 1, 1, 2, 1, 0),
    };
    const rows = [5, 1, 0, 3];
    const current = Float64Array.from({ length: d }, () => random.uniform(-1, 1));
    const settings = {
      ...{ l2: 0.3, proximalMu: 0.7 },
      anchor: Float32Array.from({ length: d }, () => random.uniform(-1, 1)),
      weightOfClass: Float64Array.from({ length: spec.classes }, (_, c) => 0.5 + c),
    };
    const objective = (w: Float64Array): number => {
      const layers = layersOf(spec, w);
      const losses = rows.map((row) => {
        const x = examples.embeddings.subarray(row * spec.inputs, (row + 1) * spec.inputs);
        const label = examples.labels[row] as number;
        const probability = softmax(activations(x, layers).at(-1) as Float64Array)[label] as number;
        return -(settings.weightOfClass[label] as number) * Math.log(probability);
      });
      const squares = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v * v, 0);
      const kernels = layers.reduce((sum, { kernel }) => sum + squares(kernel), 0);
      const away = squares(w.map((value, k) => value - (settings.anchor[k] as number)));
      const data = losses.reduce((a, b) => a + b, 0) / rows.length;
      return data + (settings.l2 / 2) * kernels + (settings.proximalMu / 2) * away;
    };
    const { gradient } = referenceGradient(spec, current, examples, rows, settings);
    const h = 1e-6;
    for (const [k, g] of gradient.entries()) {
      const moved = (by: number): number => objective(current.with(k, (current[k] as number) + by));
      expect(Math.abs((moved(h) - moved(-h)) / (2 * h) - g)).toBeLessThan(1e-7);
    }
  });
});

describe('scheduleFactor', () => {
  const schedules: Schedule[] = [
    { kind: 'constant' },
    { kind: 'cosine', minFactor: 0.2 },
    { kind: 'step', everyEpochs: 3, factor: 0.5 },
  ];

  it.each(schedules)('starts at 1 and never rises: $kind', (schedule) => {
    const factors = Array.from({ length: 12 }, (_, epoch) => scheduleFactor(schedule, epoch, 12));
    expect(factors[0]).toBe(1);
    for (const [e, factor] of factors.slice(1).entries()) expect(factor).toBeLessThanOrEqual(factors[e] as number);
    expect(factors[11]).toBeCloseTo(
      { constant: 1, cosine: 0.2 + 0.4 * (1 + Math.cos((11 / 12) * Math.PI)), step: 0.125 }[schedule.kind],
    );
  });

  it('gives rounds the learning rates of one long training', async () => {
    const backend = await openBackend('tfjs-cpu');
    const spec = { kind: 'linear', inputs: 5, classes: 3 } as const;
    const settings = {
      learningRate: 0.05,
      l2: 0,
      proximalMu: 0,
      classWeights: 'none',
      batchSize: 12,
      seed: 's',
    } as const;
    const schedule = { kind: 'step', everyEpochs: 2, factor: 0.1 } as const;
    const job = { ...settings, spec, schedule, examples: rowsOf(0, 12), parameters: new Float32Array(18) };
    // One whole-batch step: Adam's first moves every parameter by the learning rate, whatever the gradient's size.
    const moved = async (epochsBefore: number): Promise<number> => {
      const span = { epochsBefore, epochsOfRun: 6 };
      const { parameters } = await trainHead(backend, { ...job, epochs: 1, span });
      return Math.max(...parameters.map(Math.abs));
    };
    for (const [epochsBefore, rate] of [0.05, 0.05, 0.005, 0.005, 0.0005, 0.0005].entries()) {
      expect(await moved(epochsBefore)).toBeCloseTo(rate, 6);
    }
  });
});

describe('classWeights', () => {
  it('balances the classes that are present, with mean weight 1', () => {
    const labels = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(labels, (values) => {
        const weights = classWeights('balanced', Int32Array.from(values), 5);
        const totals = weights.map((weight, c) => weight * values.filter((label) => label === c).length);
        const present = totals.filter((total) => total > 0);
        for (const total of present) expect(total).toBeCloseTo(values.length / present.length, 9);
        for (const [c, weight] of weights.entries()) if (totals[c] === 0) expect(weight).toBe(1);
      }),
    );
  });

  it('is 1 everywhere when it is off', () => {
    expect([...classWeights('none', Int32Array.of(0, 0, 1), 3)]).toEqual([1, 1, 1]);
  });

  it('finds the rare class that plain training gives up', async () => {
    const random = new SeededRandom('rare');
    const spec = { kind: 'linear', inputs: 2, classes: 2 } as const;
    const labels = Int32Array.from({ length: 200 }, (_, k) => (k % 20 === 0 ? 1 : 0));
    const embeddings = Float32Array.from({ length: 400 }, (_, at) => random.normal(labels[at >> 1] === 1 ? 0.7 : 0));
    const job = {
      ...{ spec, examples: { embeddings, labels }, parameters: new Float32Array(6), epochs: 30, batchSize: 20 },
      ...{ learningRate: 0.05, l2: 0, proximalMu: 0, schedule: { kind: 'constant' } as const, seed: 'rare' },
    };
    const backend = await openBackend('tfjs-cpu');
    const found = async (classWeights: ClassWeighting): Promise<number> => {
      const { parameters } = await trainHead(backend, { ...job, classWeights });
      const layers = layersOf(spec, parameters);
      return labels.reduce((sum, label, k) => {
        const [no, yes] = activations(embeddings.subarray(2 * k, 2 * k + 2), layers).at(-1) as Float64Array;
        return sum + (label === 1 && (yes as number) > (no as number) ? 1 : 0);
      }, 0);
    };
    expect(await found('none')).toBeLessThanOrEqual(2);
    expect(await found('balanced')).toBeGreaterThanOrEqual(6);
  });
});
