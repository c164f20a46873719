/**
 * Claims: (1) the kernels are the documented draws; (2) the shipped calibration fits, and its backbone is the same each
 * time; (3) with it, features of a picture neither vanish nor explode; (4) a calibration that lacks a part is refused;
 * (5) the calibration measures the moments that its layers have, in all 53.
 * Oracle: for (1) xoshiro128** written anew in Python from the paper (numpy 2.4.6, November 2025); for (5) the first
 * convolution as nested loops in float64, then the folded network, whose layers must have mean 0 and the deviation that
 * the batch norm's scale asks for.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom, type Tensor } from '@consilium/tensors';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { normalisedPixels } from './engines/pixels.js';
import { type Backbone, networkOf, standardise } from './backbone.js';
import { measureCalibration } from './calibration.js';
import { openEngine } from './engines.js';
import { convolutionNode, PIXELS, pixelsTensor, resnetNodes } from './graph.js';
import { encodeOnnx } from './onnx.js';
import { calibratedBackbone, randomWeights, untrainedBackbone, UNTRAINED_RECIPE } from './untrained.js';
import { foldBias, foldKernel, tensorsOf, weightsOf } from './weights.js';

describe('the shipped untrained backbone', () => {
  let backbone: Backbone;
  beforeAll(async () => {
    backbone = await untrainedBackbone();
  });

  it('draws the kernels as documented', () => {
    const weights = randomWeights({ variant: 'v1.5', width: 64, side: 224 });
    const kernel = (name: string) =>
      weights.find(({ convolution }) => convolution.name === name)?.kernel ?? new Float32Array(0);
    const first = kernel('conv1');
    expect([...first.subarray(0, 3), first.at(-1)]).toEqual([
      -0.06938102841377258, 0.024084651842713356, 0.056509342044591904, -0.1664457470178604,
    ]);
    const last = kernel('layer4.2.conv3');
    expect([...last.subarray(0, 2), last.at(-1)]).toEqual([
      -0.08413466066122055, -0.005558348260819912, 0.0032327966764569283,
    ]);
  });

  it('is the same each time, and says that it is untrained', async () => {
    expect(backbone.trained).toBe(false);
    expect(backbone.featureLength).toBe(2048);
    expect((await untrainedBackbone()).hash).toBe(backbone.hash);
  });

  it('embeds a picture within the range of its calibration', async () => {
    const engine = await openEngine(backbone, { threads: 1 });
    const random = new SeededRandom('picture');
    const side = backbone.side;
    const image = Float32Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [(i % side) / side - 0.5, Math.floor(i / side) / side - 0.5];
      const lungs = Math.exp(-(((Math.abs(x) - 0.2) / 0.13) ** 2) - (y / 0.3) ** 2);
      return Math.min(1, Math.max(0, 0.8 - 0.7 * lungs + random.uniform(-0.05, 0.05)));
    });
    const scores = standardise(await engine.embed(image, 1), 1, backbone);
    await engine.close();
    const meanSquare = scores.reduce((sum, score) => sum + score ** 2, 0) / scores.length;
    // 1 for an image like those of the calibration; batch norms that do not fit give thousands or nothing.
    expect(meanSquare).toBeGreaterThan(0.05);
    expect(meanSquare).toBeLessThan(50);
  });
});

describe('the calibration', () => {
  const architecture = { variant: 'v1.5', width: 2, side: 32 } as const;
  const n = 6;
  const random = new SeededRandom('calibration images');
  const images = Float32Array.from(
    { length: n * 32 * 32 },
    (_, i) => 0.5 + 0.4 * Math.sin(i / (3 + (i >> 10))) * random.uniform(),
  );
  let calibration: Map<string, Tensor>;
  beforeAll(async () => {
    calibration = await measureCalibration(architecture, UNTRAINED_RECIPE, images, { n, normImages: 4, threads: 1 });
  });

  it('measures the mean and the variance of the first convolution', () => {
    const weights = randomWeights(architecture);
    const { kernel } = weights[0] ?? { kernel: new Float32Array(0) };
    const outputs = [0, 1].map((channel) => {
      const values: number[] = [];
      for (let image = 0; image < 4; image++) {
        const pixels = normalisedPixels(
          images.subarray(image * 1024, (image + 1) * 1024),
          networkOf(architecture, UNTRAINED_RECIPE, weights),
        );
        for (let y = 0; y < 16; y++) {
          for (let x = 0; x < 16; x++) {
            let sum = 0;
            for (let c = 0; c < 3; c++) {
              for (let ky = 0; ky < 7; ky++) {
                for (let kx = 0; kx < 7; kx++) {
                  const [row, column] = [2 * y + ky - 3, 2 * x + kx - 3];
                  if (row < 0 || row > 31 || column < 0 || column > 31) continue;
                  sum +=
                    (kernel[((channel * 3 + c) * 7 + ky) * 7 + kx] ?? NaN) *
                    (pixels[(c * 32 + row) * 32 + column] ?? NaN);
                }
              }
            }
            values.push(sum);
          }
        }
      }
      return values;
    });
    for (const [channel, values] of outputs.entries()) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      expect(calibration.get('bn1.running_mean')?.values[channel]).toBeCloseTo(mean, 4);
      expect((calibration.get('bn1.running_var')?.values[channel] ?? NaN) / variance).toBeCloseTo(1, 4);
    }
  });

  it('leaves every layer of the folded network with mean 0 and the deviation of its scale', async () => {
    const weights = weightsOf(
      { tensors: new Map([...tensorsOf(randomWeights(architecture)), ...calibration]), others: new Map() },
      architecture,
      ['feature.mean', 'feature.std'],
    );
    const layers = weights.map((weight) => {
      const { name, outputs, kernel } = weight.convolution;
      return [
        {
          name: `${name}.weight`,
          shape: [outputs, weight.convolution.inputs, kernel, kernel],
          fill: (values: Float32Array) => {
            foldKernel(weight, 1e-5, values);
          },
        },
        {
          name: `${name}.bias`,
          shape: [outputs],
          fill: (values: Float32Array) => {
            foldBias(weight, 1e-5, values);
          },
        },
      ];
    });
    const model = encodeOnnx({
      name: 'every layer',
      nodes: resnetNodes(architecture, (convolution, input, output) => [
        convolutionNode(convolution, [input, `${convolution.name}.bias`], output),
      ]),
      weights: layers.flat(),
      inputs: [pixelsTensor(architecture)],
      outputs: weights.map(({ convolution: { name, outputs } }) => ({
        name: `${name}.normed`,
        shape: ['n', outputs, 'h', 'w'],
      })),
    });
    const network = networkOf(architecture, UNTRAINED_RECIPE, weights);
    const pixels = [0, 1, 2, 3].flatMap((i) => [
      ...normalisedPixels(images.subarray(i * 1024, (i + 1) * 1024), network),
    ]);
    const session = await InferenceSession.create(model, { executionProviders: ['cpu'] });
    const outputs = await session.run({
      [PIXELS]: new OrtTensor('float32', Float32Array.from(pixels), [4, 3, 32, 32]),
    });
    for (const { convolution, scale, variance } of weights) {
      const values = outputs[`${convolution.name}.normed`]?.data as Float32Array;
      const perImage = values.length / 4 / convolution.outputs;
      for (let channel = 0; channel < convolution.outputs; channel++) {
        const own = values.filter((_, i) => Math.floor(i / perImage) % convolution.outputs === channel);
        const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
        const deviation = Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length);
        const spread = variance[channel] ?? NaN;
        expect(mean).toBeCloseTo(0, 3);
        expect(deviation).toBeCloseTo((scale[channel] ?? NaN) * Math.sqrt(spread / (spread + 1e-5)), 3);
      }
    }
    await session.release();
  });

  it('measures every batch norm, and features that are the z-scores of its own images', async () => {
    expect(calibration.size).toBe(53 * 2 + 2);
    const backbone = calibratedBackbone(architecture, calibration);
    const engine = await openEngine(backbone, { threads: 1 });
    const scores = standardise(await engine.embed(images, n), n, backbone);
    await engine.close();
    const average = backbone.featureStdDev.reduce((sum, value) => sum + value, 0) / backbone.featureLength;
    // Below a tenth of the average, standardise holds a feature back: those are tested with it.
    const moving = [...backbone.featureStdDev.keys()].filter((k) => (backbone.featureStdDev[k] ?? 0) > average / 10);
    expect(moving.length).toBeGreaterThan(16);
    for (const k of moving) {
      const column = Array.from({ length: n }, (_, i) => scores[i * backbone.featureLength + k] ?? NaN);
      expect(column.reduce((sum, score) => sum + score, 0) / n).toBeCloseTo(0, 3);
      expect(column.reduce((sum, score) => sum + score ** 2, 0) / n).toBeCloseTo(1, 3);
    }
  });

  it.each([
    ['layer2.1.bn2.running_var', 'TENSOR_MISSING'],
    ['bn1.running_mean', 'TENSOR_MISSING'],
    ['feature.std', 'FEATURE_STATISTICS_MISSING'],
  ])('is refused without %s', (name, code) => {
    const less = new Map(calibration);
    less.delete(name);
    expect(() => calibratedBackbone(architecture, less)).toThrow(expect.objectContaining({ code, tensor: name }));
  });
});
