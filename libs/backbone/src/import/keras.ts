/**
 * ResNet50 of keras.applications from an .h5 file, in the three layouts that Keras writes: `save_weights` of tf.keras 2
 * (the published file), a whole model, and `save_weights` of Keras 3, which numbers layers instead of naming them.
 *
 * @see https://github.com/keras-team/keras/blob/master/keras/src/applications/resnet.py
 */
import type { Tensor } from '@consilium/tensors';
import { type Architecture, blocks, type Convolution, convolutions, stem } from '../architecture.js';
import { BackboneError } from '../errors.js';
import { checkedValues } from '../weights.js';
import { type Download, layerTensors } from './download.js';
import { type Hdf5Dataset, withHdf5 } from './hdf5.js';

/** `bn_epsilon` of keras.applications: the file does not hold it. */
const EPSILON = 1.001e-5;
/** `preprocess_input` in mode caffe: BGR, 0..255, the mean of ImageNet subtracted. In the order R, G, B. */
const CAFFE_MEAN = [123.68 / 255, 116.779 / 255, 103.939 / 255] as const;

const PARTS = ['kernel', 'bias', 'gamma', 'beta', 'moving_mean', 'moving_variance'] as const;
type Part = (typeof PARTS)[number];

/** conv2_block1_0 is the shortcut, 1 to 3 are the others. */
function kerasName({ name }: Convolution): string {
  const [, stage, block, number] = /^layer(\d)\.(\d+)\.(?:conv(\d)|downsample\.0)$/.exec(name) ?? [];
  return stage === undefined ? 'conv1' : `conv${Number(stage) + 1}_block${Number(block) + 1}_${number ?? 0}`;
}

/** The numbers that Keras 3 gives: its layers by depth, where a shortcut lies beside the second convolution. */
const byDepth = (architecture: Architecture): Convolution[] => [
  stem(architecture),
  ...blocks(architecture).flatMap(({ reduce, spatial, expand, shortcut }) =>
    shortcut === undefined ? [reduce, spatial, expand] : [reduce, spatial, shortcut, expand],
  ),
];

const NAMED = /(?:^|\/)([^/]+)_(conv|bn)\/([a-z_]+)(?::0)?$/;
const NUMBERED = /^layers\/(conv2d|batch_normalization)(?:_(\d+))?\/vars\/(\d)$/;

/** @returns `conv2_block1_0/kernel` and the like, or undefined for what a ResNet50 without its classifier does not have. */
function keyOf(path: string, depth: readonly Convolution[]): string | undefined {
  const [, type, number, variable] = NUMBERED.exec(path) ?? [];
  if (type !== undefined) {
    const convolution = depth[Number(number ?? 0)];
    const part = PARTS.slice(type === 'conv2d' ? 0 : 2)[Number(variable)];
    return convolution === undefined || part === undefined ? undefined : `${kerasName(convolution)}/${part}`;
  }
  const [, layer, , part] = NAMED.exec(path) ?? [];
  return layer === undefined ? undefined : `${layer}/${String(part)}`;
}

/** The classifier, of any name, and the state of a training: no part of a frozen backbone. */
const isIgnored = (path: string): boolean =>
  /^(optimizer|optimizer_weights)\//.test(path) || /(^|\/)(predictions|probs|fc\d*|dense(_\d+)?)\//.test(path);

function byKey(datasets: readonly Hdf5Dataset[], architecture: Architecture): Map<string, Hdf5Dataset> {
  const depth = byDepth(architecture);
  const known = new Set(convolutions(architecture).flatMap((c) => PARTS.map((part) => `${kerasName(c)}/${part}`)));
  const result = new Map<string, Hdf5Dataset>();
  for (const dataset of datasets) {
    if (isIgnored(dataset.path)) continue;
    const key = keyOf(dataset.path, depth);
    if (key === undefined || !known.has(key) || result.has(key)) {
      const tensor = JSON.stringify(dataset.path.slice(0, 120));
      throw new BackboneError('TENSOR_UNKNOWN', `dataset ${tensor} is no part of a Keras ResNet50`, { tensor });
    }
    result.set(key, dataset);
  }
  return result;
}

/** Keras stores kernels as (height, width, inputs, outputs). */
function outputsFirst(values: Float32Array, { inputs, outputs, kernel }: Convolution): Float32Array {
  const plane = kernel * kernel;
  const result = new Float32Array(values.length);
  let from = 0;
  for (let position = 0; position < plane; position++) {
    for (let input = 0; input < inputs; input++) {
      for (let output = 0; output < outputs; output++) {
        result[(output * inputs + input) * plane + position] = values[from++] ?? NaN;
      }
    }
  }
  return result;
}

/**
 * @param bytes - an HDF5 file; attacker-controlled.
 * @throws {@link BackboneError} `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `TENSOR_SHAPE` or `TENSOR_NOT_FINITE` in Keras's
 * names; `WEIGHTS_INVALID`.
 */
export function readKeras(bytes: Uint8Array, architecture: Architecture): Promise<Download> {
  return withHdf5(bytes, (datasets) => {
    const found = byKey(datasets, architecture);
    const take = (convolution: Convolution, part: Part, shape: readonly number[]): Float32Array => {
      const name = `${kerasName(convolution)}/${part}`;
      const dataset = found.get(name);
      // The shape first: what it asks for is allocated by the reading.
      const declared = dataset && { shape: dataset.shape, values: new Float32Array(0) };
      checkedValues(declared, name, shape);
      return checkedValues(dataset?.read(), name, shape);
    };
    const tensors = new Map<string, Tensor>();
    for (const convolution of convolutions(architecture)) {
      const { inputs, outputs, kernel: size } = convolution;
      const vector = (part: Part): Float32Array => take(convolution, part, [outputs]);
      const layer = {
        kernel: outputsFirst(take(convolution, 'kernel', [size, size, inputs, outputs]), convolution),
        bias: vector('bias'),
        norm: {
          scale: vector('gamma'),
          shift: vector('beta'),
          mean: vector('moving_mean'),
          variance: vector('moving_variance'),
        },
      };
      for (const [name, tensor] of layerTensors(convolution, layer, EPSILON)) tensors.set(name, tensor);
    }
    return {
      kind: 'keras-h5',
      assumed: {
        name: 'ResNet50, Keras',
        trained: true,
        variant: 'v1',
        epsilon: EPSILON,
        order: 'bgr',
        channelMean: CAFFE_MEAN,
        channelStdDev: [1 / 255, 1 / 255, 1 / 255],
      },
      stated: {},
      tensors,
      others: new Map(),
    };
  });
}
