/**
 * Claims: (1) opening and using engines prints nothing and leaves no crash listener behind; (2) a GPU package without its
 * native library is a normal, recorded state, and a named engine is never replaced by another; (3) an engine that computes
 * wrongly is passed over; (4) the self-test fails for a broken kernel; (5) wasm and cpu agree.
 * Oracle: spies on the console and the streams; a loader that fails on purpose; each engine for the other.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parameterCount } from '@consilium/model-spec';
import { SeededRandom } from '@consilium/tensors';
import { absenceReason, chooseEngine } from './backend.js';
import { activate, type EngineId } from './engine.js';
import { HeadError, openBackend, trainHead } from './index.js';
import { selfTest } from './self-test.js';

const gpuPackage = createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json');
const hasGpuLibrary = existsSync(join(gpuPackage, '..', 'lib'));

afterEach(() => {
  vi.restoreAllMocks();
});

describe('openBackend', () => {
  // First in this file: tfjs prints its banner only when an engine is first written to.
  it('is silent and leaves the process as it was', async () => {
    const noises = [
      ...(['log', 'info', 'warn', 'error', 'debug'] as const).map((level) => vi.spyOn(console, level)),
      vi.spyOn(process.stdout, 'write'),
      vi.spyOn(process.stderr, 'write'),
      vi.spyOn(process, 'emitWarning'),
    ];
    const listeners = () => ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event));
    const before = listeners();
    await openBackend();
    await openBackend('tfjs-wasm');
    await openBackend('tfjs-cpu');
    for (const noise of noises) expect(noise).not.toHaveBeenCalled();
    expect(listeners()).toEqual(before);
  });

  it.skipIf(hasGpuLibrary)('records the GPU as absent and goes on to wasm', async () => {
    expect(await openBackend('auto')).toEqual({
      id: 'tfjs-wasm',
      tried: [
        { id: 'tfjs-gpu', outcome: 'absent', reason: 'its native library is not installed' },
        { id: 'tfjs-wasm', outcome: 'chosen' },
      ],
    });
  });

  it.skipIf(hasGpuLibrary)('does not replace an engine that was asked for by name', async () => {
    await expect(openBackend('tfjs-gpu')).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: 'no engine to train on (tfjs-gpu: its native library is not installed)',
    });
    expect((await openBackend('tfjs-cpu')).tried).toEqual([{ id: 'tfjs-cpu', outcome: 'chosen' }]);
  });

  it('can be asked several times at once', async () => {
    const opened = await Promise.all([openBackend('tfjs-wasm'), openBackend('tfjs-cpu'), openBackend('tfjs-wasm')]);
    expect(opened.map(({ id }) => id)).toEqual(['tfjs-wasm', 'tfjs-cpu', 'tfjs-wasm']);
  });
});

describe('chooseEngine', () => {
  const all: readonly EngineId[] = ['tfjs-gpu', 'tfjs-wasm', 'tfjs-cpu'];

  it('passes over what does not load and what computes wrongly', async () => {
    const open = vi.fn((id: EngineId) =>
      id === 'tfjs-gpu'
        ? Promise.reject(new Error('libcudart.so.11.0: cannot open /opt/cuda/lib64\nmore'))
        : Promise.resolve(),
    );
    const test = vi.fn<() => string | undefined>().mockReturnValueOnce('self-test: wrong');
    expect((await chooseEngine(all, open, test)).tried).toEqual([
      { id: 'tfjs-gpu', outcome: 'absent', reason: 'libcudart.so.11.0: cannot open <path>' },
      { id: 'tfjs-wasm', outcome: 'wrong', reason: 'self-test: wrong' },
      { id: 'tfjs-cpu', outcome: 'chosen' },
    ]);
  });

  it('counts a self-test that throws as wrong, and gives every reason when nothing is left', async () => {
    const broken = chooseEngine(
      ['tfjs-wasm', 'tfjs-cpu'],
      () => Promise.resolve(),
      () => {
        throw new Error('kernel missing');
      },
    );
    await expect(broken).rejects.toBeInstanceOf(HeadError);
    await expect(broken).rejects.toThrow('tfjs-wasm: self-test: kernel missing; tfjs-cpu: self-test: kernel missing');
  });

  it.each([
    ["Cannot find package '@tensorflow/tfjs-node-gpu' imported from /srv/node/x.js", 'the package is not installed'],
    ['failed at C:\\models\\x.node today', 'failed at <path> today'],
  ])('says %j in one line without a path', (message, reason) => {
    expect(absenceReason(new Error(message))).toBe(reason);
  });
});

describe('selfTest', () => {
  it('passes on both engines that are always there', async () => {
    for (const id of ['tfjs-wasm', 'tfjs-cpu'] as const) {
      await activate(id);
      expect(selfTest()).toBeUndefined();
    }
  });

  it.each(['Step', 'Relu', 'Exp', 'Sqrt', 'Log'])(
    'notices an engine whose %s kernel is the identity',
    async (kernelName) => {
      await activate('tfjs-cpu');
      const original = tf.getKernel(kernelName, 'cpu');
      const identity = tf.getKernel('Identity', 'cpu');
      tf.unregisterKernel(kernelName, 'cpu');
      tf.registerKernel({ ...identity, kernelName, backendName: 'cpu' });
      try {
        expect(selfTest()).toMatch(/^self-test: the (?:loss|parameters) differ/);
      } finally {
        tf.unregisterKernel(kernelName, 'cpu');
        tf.registerKernel(original);
      }
    },
  );
});

it('wasm and cpu train the same head, to float32 rounding', async () => {
  const spec = { kind: 'mlp', inputs: 64, hidden: 16, classes: 3 } as const;
  const random = new SeededRandom('agreement');
  const job = {
    spec,
    parameters: Float32Array.from({ length: parameterCount(spec) }, () => random.uniform(-0.3, 0.3)),
    examples: {
      embeddings: Float32Array.from({ length: 100 * spec.inputs }, () => random.normal()),
      labels: Int32Array.from({ length: 100 }, () => random.integer(3)),
    },
    epochs: 3,
    batchSize: 32,
    learningRate: 1e-3,
    l2: 0.01,
    proximalMu: 0.1,
    schedule: { kind: 'cosine', minFactor: 0 },
    classWeights: 'balanced',
    seed: 'agreement',
  } as const;
  const wasm = await trainHead(await openBackend('tfjs-wasm'), job);
  const cpu = await trainHead(await openBackend('tfjs-cpu'), job);
  const worst = Math.max(...wasm.parameters.map((value, k) => Math.abs(value - (cpu.parameters[k] as number))));
  // Twelve steps of 1e-3 each: a difference of method would be of that size.
  expect(worst).toBeLessThan(1e-5);
  expect(wasm.lossPerEpoch[2]).toBeCloseTo(cpu.lossPerEpoch[2] as number, 5);
});
