/**
 * Claims: (1) the released ONNX file gives the probabilities of the product's own path (engine, z-scores, head) to 1e-5
 * for both variants and both kinds of head, its features are the engine's, and its maps average to its features; (2) the
 * layers model, loaded over HTTP by TensorFlow.js itself, gives the same to 1e-5, borders included; (3) metadata is in the
 * file, and equal parts give equal bytes; (4) a file that is no model, or one of another shape, is refused by code.
 * Oracle: `openEngine` and `standardise`, then the head in float64 written here; TensorFlow.js 4.22 for (2).
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, type Safetensors, SeededRandom } from '@consilium/tensors';
import type { Variant } from '../architecture.js';
import { type Backbone, backboneOf, type Recipe, standardise } from '../backbone.js';
import { openEngine } from '../engines.js';
import { weightsOf } from '../weights.js';
import { layersModelFiles, type ModelFile, transposed } from './layers-model.js';
import { releaseOnnx } from './onnx-model.js';
import { type DenseLayer, featureScaling } from './parts.js';
import { openReleasedModel } from './released-model.js';

const SIDE = 64;
const WIDTH = 4;
const FEATURES = WIDTH * 32;
const CLASSES = 3;
const IMAGES = 3;
/** Three unlike channels, none of them centred on black: a border that is padded before the normalisation would show. */
const recipe: Recipe = {
  name: 'vectors',
  trained: false,
  epsilon: 1e-5,
  channelMean: [0.485, 0.2, 0.406],
  channelStdDev: [0.229, 0.5, 0.125],
};

const random = new SeededRandom('release');
const draw = (length: number, bound: number): Float32Array =>
  Float32Array.from({ length }, () => random.uniform(-bound, bound));
const layer = (inputs: number, outputs: number): DenseLayer => ({
  inputs,
  outputs,
  kernel: draw(inputs * outputs, 0.1),
  bias: draw(outputs, 1),
});
const heads = { linear: [layer(FEATURES, CLASSES)], mlp: [layer(FEATURES, 16), layer(16, CLASSES)] };
/** Gratings of another width and contrast each, bright up to the border. */
const images = Float32Array.from({ length: IMAGES * SIDE * SIDE }, (_, i) => {
  const k = Math.floor(i / SIDE ** 2);
  const wave = Math.sin((i % SIDE) / (2 + 3 * k)) * Math.cos(Math.floor((i % SIDE ** 2) / SIDE) / (5 - k));
  return 0.5 + (0.15 + 0.1 * k) * wave + random.uniform(-0.05, 0.05);
});
const image = (k: number): Float32Array => images.slice(k * SIDE * SIDE, (k + 1) * SIDE * SIDE);

let weights: Safetensors;
beforeAll(async () => {
  weights = readSafetensors(await readFile(new URL('../../vectors/reduced.safetensors', import.meta.url)));
});

/**
 * Deviations are a sixth of the means, as those of the untrained ResNet50 are, but for one feature that never moved. Much
 * smaller ones would blow up the last bit of float32: then no two programs agree, and nothing would be tested.
 */
async function backboneFor(variant: Variant): Promise<Backbone> {
  const architecture = { variant, width: WIDTH, side: SIDE };
  const statistics = { mean: new Float32Array(FEATURES), stdDev: new Float32Array(FEATURES) };
  const bare = backboneOf(architecture, recipe, weightsOf(weights, architecture), statistics);
  const embeddings = await embed(bare);
  for (const [i, value] of embeddings.entries()) {
    statistics.mean[i % FEATURES] = (statistics.mean[i % FEATURES] ?? NaN) + value / IMAGES;
  }
  for (const [k, mean] of statistics.mean.entries()) statistics.stdDev[k] = k === 5 ? 0 : mean / 6;
  return backboneOf(architecture, recipe, weightsOf(weights, architecture), statistics);
}

async function embed(backbone: Backbone): Promise<Float32Array> {
  const engine = await openEngine(backbone, { threads: 1 });
  return engine.embed(images, IMAGES).finally(() => engine.close());
}

/** The head in float64, (IMAGES, CLASSES). */
function probabilitiesOf(scores: Float32Array, head: readonly DenseLayer[]): number[][] {
  return Array.from({ length: IMAGES }, (_, n) => {
    let x = [...scores.subarray(n * FEATURES, (n + 1) * FEATURES)];
    for (const [l, { outputs, kernel, bias }] of head.entries()) {
      const y = Array.from(bias, (b, j) => x.reduce((sum, v, i) => sum + v * (kernel[i * outputs + j] ?? NaN), b));
      x = l === head.length - 1 ? y : y.map((value) => Math.max(0, value));
    }
    const exponentials = x.map((value) => Math.exp(value - Math.max(...x)));
    return exponentials.map((value) => value / exponentials.reduce((a, b) => a + b, 0));
  });
}

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), a.length - b.length);

const shape = { side: SIDE, featureLength: FEATURES, classes: CLASSES };
const cases = [
  ['v1', 'linear'],
  ['v1', 'mlp'],
  ['v1.5', 'linear'],
  ['v1.5', 'mlp'],
] as const;

describe('the released ONNX file', () => {
  it.each(cases)('of %s with a %s head gives what the product gives', async (variant, kind) => {
    const backbone = await backboneFor(variant);
    const embeddings = await embed(backbone);
    const expected = probabilitiesOf(standardise(embeddings, IMAGES, backbone), heads[kind]);
    const model = await openReleasedModel(releaseOnnx(backbone, heads[kind], {}), shape, { threads: 1 });
    for (let k = 0; k < IMAGES; k++) {
      const { probabilities, features, maps } = await model.run(image(k));
      expect(furthest(probabilities, expected[k] ?? [])).toBeLessThan(1e-5);
      const embedding = embeddings.subarray(k * FEATURES, (k + 1) * FEATURES);
      expect(furthest(features, embedding) / Math.max(...embedding)).toBeLessThan(1e-5);
      const area = maps.length / FEATURES;
      expect(area).toBe(4);
      const means = Float64Array.from(
        { length: FEATURES },
        (_, f) => maps.subarray(f * area, (f + 1) * area).reduce((a, b) => a + b, 0) / area,
      );
      expect(furthest(features, means) / Math.max(...embedding)).toBeLessThan(1e-6);
    }
    await model.close();
    // The test would prove nothing if every image were classified alike, or without doubt.
    expect(furthest(expected[0] ?? [], expected[1] ?? [])).toBeGreaterThan(0.01);
    expect(Math.min(...expected.flat())).toBeGreaterThan(1e-6);
  });

  it('holds its metadata, and is the same each time', async () => {
    const backbone = await backboneFor('v1.5');
    const file = releaseOnnx(backbone, heads.linear, { labels: '["röntgen"]', use: 'research' });
    expect(Buffer.from(file).includes(Buffer.from('["röntgen"]'))).toBe(true);
    const again = releaseOnnx(backbone, heads.linear, { labels: '["röntgen"]', use: 'research' });
    expect(Buffer.compare(file, again)).toBe(0);
    const { probabilities } = await openReleasedModel(file, shape, { threads: 1 }).then((model) => model.run(image(0)));
    expect(probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  });

  it('is refused by code when it is no model, cut off, or a model of another shape', async () => {
    const file = releaseOnnx(await backboneFor('v1.5'), heads.linear, {});
    const open = (bytes: Uint8Array, wanted = shape) => openReleasedModel(bytes, wanted, { threads: 1 });
    const refused = { code: 'WEIGHTS_INVALID' };
    await expect(open(Buffer.from('no model'))).rejects.toMatchObject(refused);
    await expect(open(file.slice(0, file.length / 2))).rejects.toMatchObject(refused);
    await expect(open(file, { ...shape, classes: 4 })).rejects.toMatchObject(refused);
    await expect(open(file, { ...shape, side: 224 })).rejects.toMatchObject(refused);
    const embedding = (await backboneFor('v1.5')).onnxModel();
    await expect(open(embedding)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('xray') as string,
    });
  });

  it('is not made of a head that does not fit', async () => {
    const backbone = await backboneFor('v1.5');
    expect(() => releaseOnnx(backbone, [layer(FEATURES - 1, 2)], {})).toThrow(RangeError);
    expect(() => releaseOnnx(backbone, [], {})).toThrow(RangeError);
    expect(() => layersModelFiles(backbone, [layer(FEATURES, 4), layer(5, 2)], {})).toThrow(RangeError);
  });
});

describe('the constants of the z-scores', () => {
  it('are those of standardise, floor included', async () => {
    const backbone = await backboneFor('v1.5');
    const { mean, factor } = featureScaling(backbone);
    const embeddings = await embed(backbone);
    const scores = standardise(embeddings, IMAGES, backbone);
    const ours = embeddings.map((x, i) => (x - (mean[i % FEATURES] ?? NaN)) * (factor[i % FEATURES] ?? NaN));
    expect(furthest(ours, scores)).toBeLessThan(1e-6);
    const average = backbone.featureStdDev.reduce((a, b) => a + b, 0) / FEATURES;
    expect((factor[5] ?? NaN) * average).toBeCloseTo(10, 4);
  });
});

/** What a browser does: `model.json` and its shards by URL. */
async function loadOverHttp(files: readonly ModelFile[]): Promise<tf.LayersModel> {
  const server = createServer((request, response) => {
    const file = files.find(({ name }) => `/${name}` === request.url);
    if (file?.name.endsWith('.json') === true) response.setHeader('content-type', 'application/json');
    response.writeHead(file === undefined ? 404 : 200).end(file?.bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await tf.loadLayersModel(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json`);
  } finally {
    server.close();
  }
}

describe('the layers model', () => {
  beforeAll(async () => {
    tf.enableProdMode();
    await tf.setBackend('cpu');
  });

  it.each(cases)('of %s with a %s head gives what the product gives', async (variant, kind) => {
    const backbone = await backboneFor(variant);
    const expected = probabilitiesOf(standardise(await embed(backbone), IMAGES, backbone), heads[kind]);
    const files = layersModelFiles(backbone, heads[kind], { use: 'research' });
    const model = await loadOverHttp(files);
    expect(model.getUserDefinedMetadata()).toEqual({ use: 'research' });
    const input = tf.tensor4d(images, [IMAGES, SIDE, SIDE, 1]);
    const output = model.predict(input) as tf.Tensor;
    expect(output.shape).toEqual([IMAGES, CLASSES]);
    expect(furthest(await output.data(), expected.flat())).toBeLessThan(1e-5);
    tf.dispose([input, output]);
    model.dispose();
  });

  it('turns kernels from (outputs, inputs, k, k) to (k, k, inputs, outputs)', () => {
    const convolution = { name: 'c', norm: 'n', inputs: 2, outputs: 3, kernel: 3, stride: 1 };
    const kernel = Float32Array.from({ length: 54 }, (_, i) => i);
    const turned = tf.tidy(() => [...tf.transpose(tf.tensor4d(kernel, [3, 2, 3, 3]), [2, 3, 1, 0]).dataSync()]);
    expect([...transposed(convolution, kernel)]).toEqual(turned);
  });
});
