/**
 * Claims: every file that is not exactly a float32 ResNet50 in torchvision's layout is refused with a code that names
 * the tensor, and the classifier and the counters of the training are no reason to. Oracle: one change at a time to the
 * file that PyTorch wrote (vectors/make_vectors.py), which is accepted.
 */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RawTensor, readSafetensors, type Tensor } from '@consilium/tensors';
import { BackboneError } from './errors.js';
import { tensorsOf, weightsOf } from './weights.js';

const architecture = { variant: 'v1.5', width: 4, side: 64 } as const;
let source: { tensors: Map<string, Tensor>; others: Map<string, RawTensor> };

beforeAll(async () => {
  const { tensors, others } = readSafetensors(
    await readFile(new URL('../vectors/reduced.safetensors', import.meta.url)),
  );
  source = { tensors: new Map(tensors), others: new Map(others) };
});

type Change = (tensors: Map<string, Tensor>, others: Map<string, RawTensor>) => void;

function refusal(change: Change): Pick<BackboneError, 'code' | 'tensor'> | undefined {
  const changed = { tensors: new Map(source.tensors), others: new Map(source.others) };
  change(changed.tensors, changed.others);
  try {
    weightsOf(changed, architecture);
    return undefined;
  } catch (error) {
    if (!(error instanceof BackboneError)) throw error;
    expect(error.message).toContain(error.tensor);
    return error;
  }
}

const filled = (shape: number[], value: number): Tensor => ({
  shape,
  values: new Float32Array(shape.reduce((size, axis) => size * axis, 1)).fill(value),
});

describe('weightsOf', () => {
  it('accepts what PyTorch wrote, classifier and counters included', () => {
    expect(source.tensors.has('fc.weight') && source.others.has('bn1.num_batches_tracked')).toBe(true);
    const weights = weightsOf(source, architecture);
    expect(weights).toHaveLength(53);
    const again = tensorsOf(weights);
    expect(again.size).toBe(53 * 5);
    for (const [name, tensor] of again) expect(tensor).toEqual(source.tensors.get(name));
  });

  it.each<[string, Change, string, string]>([
    ['a tensor less', (t) => t.delete('layer3.5.bn3.bias'), 'TENSOR_MISSING', 'layer3.5.bn3.bias'],
    [
      'a tensor of half precision',
      (t, o) => {
        t.delete('conv1.weight');
        o.set('conv1.weight', { dtype: 'F16', shape: [4, 3, 7, 7], bytes: new Uint8Array(1176) });
      },
      'WEIGHTS_INVALID',
      'conv1.weight',
    ],
    ['a convolution with a bias', (t) => t.set('conv1.bias', filled([4], 0)), 'TENSOR_UNKNOWN', 'conv1.bias'],
    [
      'a block too many',
      (t) => t.set('layer1.3.conv1.weight', filled([4, 16, 1, 1], 0)),
      'TENSOR_UNKNOWN',
      'layer1.3.conv1.weight',
    ],
    ['a stem of one channel', (t) => t.set('conv1.weight', filled([4, 1, 7, 7], 0)), 'TENSOR_SHAPE', 'conv1.weight'],
    ['the layout of Keras', (t) => t.set('conv1.weight', filled([7, 7, 3, 4], 0)), 'TENSOR_SHAPE', 'conv1.weight'],
    ['a flat batch norm', (t) => t.set('bn1.weight', filled([4, 1], 1)), 'TENSOR_SHAPE', 'bn1.weight'],
    [
      'NaN in a kernel',
      (t) => t.set('layer2.0.conv2.weight', filled([8, 8, 3, 3], NaN)),
      'TENSOR_NOT_FINITE',
      'layer2.0.conv2.weight',
    ],
    ['a negative variance', (t) => t.set('bn1.running_var', filled([4], -1e-3)), 'WEIGHTS_INVALID', 'bn1.running_var'],
  ])('refuses %s', (_, change, code, tensor) => {
    expect(refusal(change)).toMatchObject({ code, tensor });
  });
});
