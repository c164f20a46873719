/**
 * Claims: (1) at full width the graph has 53 convolutions, 16 additions, 49 ReLUs, one maximum and one average pooling,
 * and as many weights as ResNet50 has; (2) v1 and v1.5 differ in strides alone; (3) a folded batch norm equals
 * convolution then batch norm. Oracle: He et al. 2016, table 1, with torchvision's count of 25,557,032 parameters less
 * the classifier's 2,049,000; a reader of protobuf written here; float64 arithmetic.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { convolutions, featureLength, kernelLength, resnet50 } from './architecture.js';
import { foldedModel } from './graph.js';
import { randomWeights } from './untrained.js';
import { foldBias, foldKernel } from './weights.js';

/** Length-delimited fields of one message; others are skipped. */
function* fieldsOf(bytes: Uint8Array): Generator<[number, Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] ?? NaN;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    if (key % 8 === 0) varint();
    else {
      const length = varint();
      yield [Math.floor(key / 8), bytes.subarray(at, at + length)];
      at += length;
    }
  }
}

const children = (bytes: Uint8Array, field: number): Uint8Array[] =>
  [...fieldsOf(bytes)].filter(([number]) => number === field).map(([, content]) => content);

function operatorCounts(model: Uint8Array): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const graph of children(model, 7)) {
    for (const node of children(graph, 1)) {
      const operator = children(node, 4).map((name) => Buffer.from(name).toString())[0] ?? '';
      counts[operator] = (counts[operator] ?? 0) + 1;
    }
  }
  return counts;
}

describe('ResNet50', () => {
  it('has its 53 convolutions and 2,048 features', () => {
    const model = foldedModel(resnet50('v1.5'), randomWeights(resnet50('v1.5')), 1e-5);
    expect(operatorCounts(model)).toEqual({
      Conv: 53,
      Relu: 49,
      Add: 16,
      MaxPool: 1,
      GlobalAveragePool: 1,
      Flatten: 1,
    });
    expect(featureLength(resnet50('v1.5'))).toBe(2048);
    const all = convolutions(resnet50('v1.5'));
    const channels = all.reduce((sum, { outputs }) => sum + outputs, 0);
    expect(channels).toBe(26_560);
    expect(all.reduce((sum, convolution) => sum + kernelLength(convolution), 0) + 2 * channels).toBe(
      25_557_032 - 2_049_000,
    );
    // Weights and biases, and little else: nothing is stored twice.
    expect(model.length / (4 * (25_557_032 - 2_049_000 - channels))).toBeCloseTo(1, 3);
  });

  it('has its variants differ in the strides of three blocks', () => {
    const [paper, torchvision] = [convolutions(resnet50('v1')), convolutions(resnet50('v1.5'))];
    const strided = (list: typeof paper) => list.filter(({ stride }) => stride === 2).map(({ name }) => name);
    const blocks = ['layer2.0', 'layer3.0', 'layer4.0'];
    expect(strided(paper)).toEqual(['conv1', ...blocks.flatMap((name) => [`${name}.conv1`, `${name}.downsample.0`])]);
    expect(strided(torchvision)).toEqual([
      'conv1',
      ...blocks.flatMap((name) => [`${name}.conv2`, `${name}.downsample.0`]),
    ]);
    expect(paper.map((convolution) => ({ ...convolution, stride: 0 }))).toEqual(
      torchvision.map((convolution) => ({ ...convolution, stride: 0 })),
    );
  });

  it('folds a batch norm so that nothing changes', () => {
    const random = new SeededRandom('fold');
    const draw = (length: number, low: number, high: number) =>
      Float32Array.from({ length }, () => random.uniform(low, high));
    const convolution = { name: 'c', norm: 'n', inputs: 5, outputs: 3, kernel: 1, stride: 1 };
    const weight = {
      convolution,
      kernel: draw(15, -1, 1),
      scale: draw(3, -2, 2),
      shift: draw(3, -1, 1),
      mean: draw(3, -1, 1),
      variance: draw(3, 0.01, 4),
    };
    const epsilon = 0.3;
    const [kernel, bias] = [new Float32Array(15), new Float32Array(3)];
    foldKernel(weight, epsilon, kernel);
    foldBias(weight, epsilon, bias);
    const input = draw(5, -3, 3);
    const dot = (weights: Float32Array, output: number) =>
      input.reduce((sum, x, i) => sum + x * (weights[output * 5 + i] ?? NaN), 0);
    for (let output = 0; output < 3; output++) {
      const of = (values: Float32Array) => values[output] ?? NaN;
      const expected =
        ((dot(weight.kernel, output) - of(weight.mean)) / Math.sqrt(of(weight.variance) + epsilon)) * of(weight.scale) +
        of(weight.shift);
      expect(dot(kernel, output) + of(bias)).toBeCloseTo(expected, 5);
    }
  });
});
