/**
 * ResNet50 in TensorFlow.js, the same code on every backend: CUDA in production, wasm and plain JavaScript in tests.
 *
 * tfjs keeps one active backend in a global of its thread. Each engine has a thread of its own, so this backend and the
 * one that trains heads in the main thread never meet.
 */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { blocks, type Convolution, stem } from '../architecture.js';
import type { FoldedLayers } from '../graph.js';
import type { Kernel } from './kernel.js';

export type TfjsBackend = 'tensorflow' | 'wasm' | 'cpu';

async function activate(backend: TfjsBackend): Promise<void> {
  // Its only effect in 4.22 is that tfjs writes no banner to the console of the program that it is used in.
  tf.enableProdMode();
  if (backend === 'tensorflow') {
    // tfjs-node 4.22 calls this function, which Node 23 removed.
    (util as { isNullOrUndefined?: (x: unknown) => boolean }).isNullOrUndefined ??= (x) => x == null;
    await import('@tensorflow/tfjs-node-gpu');
  }
  if (backend === 'wasm') {
    setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);
  // The package also runs on the processor when CUDA is missing; that must not pass for a GPU.
  if (backend === 'tensorflow' && !(tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice) {
    throw new Error('no GPU device');
  }
}

interface Weights {
  /** Shape (kernel, kernel, inputs, outputs). */
  readonly filter: tf.Tensor4D;
  /** Shape (outputs,). */
  readonly bias: tf.Tensor1D;
}

function weightsOf({ convolutions }: FoldedLayers): ReadonlyMap<string, Weights> {
  const weights = new Map<string, Weights>();
  for (const [name, { shape, kernel, bias }] of convolutions) {
    const filter = tf.tidy(() => tf.transpose<tf.Tensor4D>(tf.tensor4d(kernel, [...shape]), [2, 3, 1, 0]));
    weights.set(name, { filter, bias: tf.tensor1d(bias) });
  }
  return weights;
}

/** @returns shape (1, featureLength). @param pixels - shape (1, side, side, 3). To be called in a tidy. */
function features(pixels: tf.Tensor4D, { architecture }: FoldedLayers, weights: ReadonlyMap<string, Weights>) {
  // Padded by hand and computed as `valid`: the backends disagree on explicit padding, and `same` pads strides otherwise.
  const padded = (x: tf.Tensor4D, pad: number): tf.Tensor4D => {
    const zeros: [number, number] = [pad, pad];
    return pad === 0 ? x : tf.pad(x, [[0, 0], zeros, zeros, [0, 0]]);
  };
  const convolve = (x: tf.Tensor4D, { name, kernel, stride }: Convolution, activation: 'relu' | 'linear') => {
    const { filter, bias } = weights.get(name) as Weights;
    return tf.fused.conv2d({
      ...{ x: padded(x, (kernel - 1) / 2), filter, strides: stride, pad: 'valid' as const },
      ...{ bias, activation },
    });
  };
  const first = convolve(pixels, stem(architecture), 'relu');
  // Zeros are as good as minus infinity here: what is pooled went through a ReLU.
  let x = tf.maxPool(padded(first, 1), 3, 2, 'valid');
  for (const { reduce, spatial, expand, shortcut } of blocks(architecture)) {
    const spread = convolve(convolve(x, reduce, 'relu'), spatial, 'relu');
    const identity = shortcut === undefined ? x : convolve(x, shortcut, 'linear');
    x = tf.relu(tf.add(convolve(spread, expand, 'linear'), identity));
  }
  return tf.mean(x, [1, 2]);
}

/** @throws whatever tfjs throws: the package does not load, the backend does not start, there is no GPU. */
export async function openTfjs(backend: TfjsBackend, layers: FoldedLayers): Promise<Kernel> {
  await activate(backend);
  const weights = weightsOf(layers);
  return {
    async compute(pixels, side) {
      const result = tf.tidy(() => {
        const channelsFirst = tf.tensor4d(pixels, [1, 3, side, side]);
        return features(tf.transpose<tf.Tensor4D>(channelsFirst, [0, 2, 3, 1]), layers, weights);
      });
      const values = await result.data<'float32'>();
      result.dispose();
      return Float32Array.from(values);
    },
    release() {
      for (const { filter, bias } of weights.values()) tf.dispose([filter, bias]);
      return Promise.resolve();
    },
  };
}
