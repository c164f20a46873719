/**
 * The whole model as a TensorFlow.js layers model: `model.json` and shards of weights, as `tf.loadLayersModel` opens them.
 * Input (n, side, side, 1), grey in [0, 1]; output probabilities (n, classes).
 *
 * The three channels come from a 1x1 convolution, before any padding: padding is zero after the normalisation. Padding of
 * odd windows at stride 2 is a layer of its own, since TensorFlow's "same" pads there on the other side than ResNet does.
 *
 * @see https://github.com/tensorflow/tfjs/blob/tfjs-v4.22.0/tfjs-layers/src/models.ts
 */
import { blocks, type Convolution, stem } from '../architecture.js';
import type { Backbone } from '../backbone.js';
import { architectureOf, checkHead, type DenseLayer, featureScaling, foldedConvolutions } from './parts.js';

export interface ModelFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface Layer {
  readonly class_name: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inbound_nodes: readonly unknown[];
}

interface WeightEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What browsers cache well, and what TensorFlow's own converter writes. */
const SHARD_BYTES = 4 * 1024 * 1024;
const CHANNELS_LAST = { data_format: 'channels_last' } as const;
const INPUT = 'xray';

/** (outputs, inputs, k, k) -> (k, k, inputs, outputs). */
export function transposed({ inputs, outputs, kernel: size }: Convolution, kernel: Float32Array): Float32Array {
  const result = new Float32Array(kernel.length);
  const area = size * size;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let k = 0; k < area; k++) {
        result[(k * inputs + i) * outputs + o] = kernel[(o * inputs + i) * area + k] ?? NaN;
      }
    }
  }
  return result;
}

/** Layers are added in order; each is called once, on the outputs of layers that are there. */
class Topology {
  readonly layers: Layer[] = [];

  add(kind: string, name: string, inputs: readonly string[], config: Readonly<Record<string, unknown>> = {}): string {
    const calls = inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])];
    this.layers.push({ class_name: kind, name, config: { name, trainable: false, ...config }, inbound_nodes: calls });
    return name;
  }

  convolve({ name, outputs, kernel, stride }: Convolution, input: string, activation: 'relu' | 'linear'): string {
    const layer = name.replaceAll('.', '_');
    const pad = (kernel - 1) / 2;
    const apart = pad > 0 && stride > 1;
    const padded = apart ? this.pad(`${layer}_pad`, input, pad) : input;
    return this.add('Conv2D', layer, [padded], {
      ...CHANNELS_LAST,
      filters: outputs,
      kernel_size: [kernel, kernel],
      strides: [stride, stride],
      padding: apart ? 'valid' : 'same',
      activation,
      use_bias: true,
    });
  }

  pad(name: string, input: string, pad: number): string {
    const padding = [
      [pad, pad],
      [pad, pad],
    ];
    return this.add('ZeroPadding2D', name, [input], { ...CHANNELS_LAST, padding });
  }
}

function topologyOf(backbone: Backbone, head: readonly DenseLayer[]): Topology {
  const architecture = architectureOf(backbone);
  const net = new Topology();
  net.add('InputLayer', INPUT, [], { batch_input_shape: [null, backbone.side, backbone.side, 1], dtype: 'float32' });
  const grey = { name: 'channels', norm: '', inputs: 1, outputs: 3, kernel: 1, stride: 1 };
  const first = net.convolve(stem(architecture), net.convolve(grey, INPUT, 'linear'), 'relu');
  // After a relu the largest of a window is the same with zeros around it as with nothing around it.
  let x = net.add('MaxPooling2D', 'pooled', [net.pad('pooled_pad', first, 1)], {
    ...CHANNELS_LAST,
    pool_size: [3, 3],
    strides: [2, 2],
    padding: 'valid',
  });
  for (const { name, reduce, spatial, expand, shortcut } of blocks(architecture)) {
    const block = name.replaceAll('.', '_');
    const residual = net.convolve(expand, net.convolve(spatial, net.convolve(reduce, x, 'relu'), 'relu'), 'linear');
    const identity = shortcut === undefined ? x : net.convolve(shortcut, x, 'linear');
    x = net.add('Activation', block, [net.add('Add', `${block}_sum`, [residual, identity])], { activation: 'relu' });
  }
  x = net.add('GlobalAveragePooling2D', 'features', [x], CHANNELS_LAST);
  x = net.add('BatchNormalization', 'z_scores', [x], { axis: -1, epsilon: 0, center: false, scale: true });
  for (const [l, { outputs }] of head.entries()) {
    const last = l === head.length - 1;
    x = net.add('Dense', last ? 'probabilities' : `hidden_${l}`, [x], {
      units: outputs,
      activation: last ? 'softmax' : 'relu',
      use_bias: true,
    });
  }
  return net;
}

function weightsOf(backbone: Backbone, head: readonly DenseLayer[]): WeightEntry[] {
  const { channelMean, channelStdDev, featureLength } = backbone;
  const { mean, factor } = featureScaling(backbone);
  const entry = (name: string, shape: readonly number[], values: Float32Array): WeightEntry => ({
    name,
    shape,
    values,
  });
  return [
    entry(
      'channels/kernel',
      [1, 1, 1, 3],
      Float32Array.from(channelStdDev, (stdDev) => 1 / stdDev),
    ),
    entry(
      'channels/bias',
      [3],
      Float32Array.from(channelMean, (value, c) => -value / (channelStdDev[c] ?? NaN)),
    ),
    ...foldedConvolutions(backbone).flatMap(({ convolution, kernel, bias }) => {
      const { name, inputs, outputs, kernel: size } = convolution;
      const layer = name.replaceAll('.', '_');
      return [
        entry(`${layer}/kernel`, [size, size, inputs, outputs], transposed(convolution, kernel)),
        entry(`${layer}/bias`, [outputs], bias),
      ];
    }),
    entry('z_scores/gamma', [featureLength], factor),
    entry('z_scores/moving_mean', [featureLength], mean),
    entry('z_scores/moving_variance', [featureLength], new Float32Array(featureLength).fill(1)),
    ...head.flatMap(({ inputs, outputs, kernel, bias }, l) => {
      const layer = l === head.length - 1 ? 'probabilities' : `hidden_${l}`;
      return [entry(`${layer}/kernel`, [inputs, outputs], kernel), entry(`${layer}/bias`, [outputs], bias)];
    }),
  ];
}

/**
 * @param about - kept in `model.json` as user-defined metadata: nothing that must not leave.
 * @returns the shards, then `model.json`; names without folders.
 * @throws RangeError if the layers do not fit.
 */
export function layersModelFiles(
  backbone: Backbone,
  head: readonly DenseLayer[],
  about: Readonly<Record<string, string>>,
): ModelFile[] {
  checkHead(backbone, head);
  const weights = weightsOf(backbone, head);
  const all = new Uint8Array(weights.reduce((sum, { values }) => sum + values.byteLength, 0));
  let at = 0;
  for (const { values } of weights) {
    all.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  const count = Math.ceil(all.length / SHARD_BYTES);
  const shards = Array.from({ length: count }, (_, k) => ({
    name: `group1-shard${k + 1}of${count}.bin`,
    bytes: all.subarray(k * SHARD_BYTES, (k + 1) * SHARD_BYTES),
  }));
  const model = {
    format: 'layers-model',
    generatedBy: 'consilium',
    convertedBy: null,
    modelTopology: {
      keras_version: '2.15.0',
      backend: 'tensorflow',
      model_config: {
        class_name: 'Functional',
        config: {
          name: 'consilium',
          layers: topologyOf(backbone, head).layers,
          input_layers: [[INPUT, 0, 0]],
          output_layers: [['probabilities', 0, 0]],
        },
      },
    },
    weightsManifest: [
      {
        paths: shards.map(({ name }) => name),
        weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
    userDefinedMetadata: about,
  };
  return [...shards, { name: 'model.json', bytes: new TextEncoder().encode(JSON.stringify(model)) }];
}
