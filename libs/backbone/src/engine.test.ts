/**
 * Claims: (1) our graph, loader and folding give PyTorch's features, relative error at most 1e-4, for both variants on
 * every engine that needs no GPU, and the wrong variant does not; (2) an image's embedding does not depend on its
 * neighbours or on the number of threads; (3) closed engines, wrong lengths and features that are not finite are refused;
 * (4) the caller's event loop is free while an image is computed; (5) a process that exits under a computation exits with
 * its own status, and an engine that was forgotten keeps no process alive.
 * Oracle: PyTorch 2.15.0 with torchvision 0.29.2 blocks in float64, see vectors/make_vectors.py.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, type Safetensors } from '@consilium/tensors';
import type { Variant } from './architecture.js';
import type { EngineId } from './engine.js';
import { type Network, networkOf, type Recipe } from './backbone.js';
import { openEngine } from './engines.js';
import { weightsOf } from './weights.js';

const SIDE = 64;
const WIDTH = 4;
const recipe: Recipe = {
  name: 'vectors',
  trained: false,
  epsilon: 1e-5,
  channelMean: [0.485, 0.456, 0.406],
  channelStdDev: [0.229, 0.224, 0.225],
};

let file: Safetensors;
let expected: (name: string) => Float32Array;

beforeAll(async () => {
  const read = async (name: string) =>
    readSafetensors(await readFile(new URL(`../vectors/${name}.safetensors`, import.meta.url)));
  file = await read('reduced');
  const { tensors } = await read('reduced-expected');
  expected = (name) => tensors.get(name)?.values ?? new Float32Array(0);
});

function network(variant: Variant): Network {
  const architecture = { variant, width: WIDTH, side: SIDE };
  return networkOf(architecture, recipe, weightsOf(file, architecture));
}

function relativeError(actual: Float32Array, oracle: Float32Array): number {
  const norm = (values: Float32Array) => Math.hypot(...values);
  return norm(actual.map((value, i) => value - (oracle[i] ?? NaN))) / norm(oracle);
}

async function embed(variant: Variant, threads = 1, id: EngineId = 'onnxruntime-cpu'): Promise<Float32Array> {
  const engine = await openEngine(network(variant), { threads, engine: id });
  expect(engine.id).toBe(id);
  return engine.embed(expected('images'), 2).finally(() => engine.close());
}

const anywhere = ['onnxruntime-cpu', 'onnxruntime-web', 'tfjs-wasm', 'tfjs-cpu'] as const;
const everyCase = anywhere.flatMap((id) => (['v1', 'v1.5'] as const).map((variant) => ({ id, variant })));

describe('an engine', () => {
  it.each(everyCase)('gives the features of PyTorch: $id, $variant', async ({ id, variant }) => {
    const features = await embed(variant, 1, id);
    expect(features).toHaveLength(2 * 128);
    expect(relativeError(features, expected(`features.${variant}`))).toBeLessThan(1e-4);
    const other = variant === 'v1' ? 'v1.5' : 'v1';
    expect(relativeError(features, expected(`features.${other}`))).toBeGreaterThan(0.1);
  });

  it('computes each image alone, with any number of threads', async () => {
    const both = await embed('v1.5');
    expect(await embed('v1.5', 2)).toEqual(both);
    const engine = await openEngine(network('v1.5'), { threads: 1 });
    const images = expected('images');
    const [first, second] = await Promise.all([
      engine.embed(images.subarray(0, SIDE * SIDE), 1),
      engine.embed(images.subarray(SIDE * SIDE), 1),
    ]);
    expect([...first, ...second]).toEqual([...both]);
    expect(await engine.embed(new Float32Array(0), 0)).toHaveLength(0);
    await engine.close();
  });

  it('refuses a wrong length, and no work is done after it was closed', async () => {
    const engine = await openEngine(network('v1.5'), { threads: 1 });
    await expect(engine.embed(new Float32Array(SIDE * SIDE), 2)).rejects.toThrow(RangeError);
    const four = new Float32Array(4 * SIDE * SIDE);
    const underWay = engine.embed(four, 4);
    const noMore = expect(underWay).rejects.toMatchObject({ code: 'ENGINE_CLOSED' });
    await Promise.all([engine.close(), engine.close()]);
    await engine.close();
    await noMore;
    await expect(engine.embed(expected('images'), 2)).rejects.toMatchObject({ code: 'ENGINE_CLOSED' });
  });

  it('refuses features that are not finite', async () => {
    const engine = await openEngine(network('v1.5'), { threads: 1 });
    const images = new Float32Array(SIDE * SIDE).fill(Infinity);
    await expect(engine.embed(images, 1)).rejects.toMatchObject({ code: 'FEATURES_NOT_FINITE' });
    await engine.close();
  });

  it('leaves the event loop free', async () => {
    const slow = await openEngine(network('v1.5'), { threads: 1, engine: 'tfjs-cpu' });
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    await slow.embed(expected('images'), 2);
    clearInterval(counting);
    // Plain JavaScript takes tens of milliseconds for each; in this thread not one turn would pass.
    expect(turns).toBeGreaterThan(3);
    await slow.close();
  });

  it('refuses a model that the runtime does not read, and threads below one', async () => {
    const broken = { ...network('v1.5'), onnxModel: () => Uint8Array.of(1, 2, 3) };
    await expect(openEngine(broken, { threads: 1 })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    await expect(openEngine(network('v1.5'), { threads: 0 })).rejects.toThrow(RangeError);
  });
});

/** A program with one engine at work, built as the product runs. */
async function exitStatus(program: string): Promise<{ status: number | null; output: string }> {
  const dist = new URL('../dist/', import.meta.url).href;
  const opening = `
    const { openEngine } = await import('${dist}engines.js');
    const { networkOf } = await import('${dist}backbone.js');
    const { randomWeights, UNTRAINED_RECIPE } = await import('${dist}untrained.js');
    const shape = { variant: 'v1.5', width: 16, side: 224 };
    const engine = await openEngine(networkOf(shape, UNTRAINED_RECIPE, randomWeights(shape)), { threads: 2 });
    const images = new Float32Array(50 * 224 * 224);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${opening}\n${program}`]);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, output };
}

describe('a process with an engine', () => {
  it('exits with its own status under a computation', async () => {
    const ended = await exitStatus(`void engine.embed(images, 50); setTimeout(() => process.exit(130), 25);`);
    expect(ended).toEqual({ status: 130, output: '' });
  });

  it('ends by itself when the engine is left open, but not under a computation', async () => {
    const ended = await exitStatus(`void engine.embed(images, 50).then(({ length }) => console.log(length));`);
    expect(ended).toEqual({ status: 0, output: `${50 * 512}\n` });
  });
});
