/** What every format becomes: tensors under torchvision's names without biases, and what the file says about their use. */
import type { RawTensor, Tensor } from '@consilium/tensors';
import { type Convolution, resnet50, stem, type Variant } from '../architecture.js';
import type { Recipe, Rgb } from '../backbone.js';
import type { FileKind } from './file.js';

/** The order of the colours in the first kernel. What we store is always RGB. */
export type ChannelOrder = 'rgb' | 'bgr';

export interface Statement {
  readonly variant: Variant;
  readonly epsilon: number;
  readonly order: ChannelOrder;
}

export interface Download {
  readonly kind: FileKind;
  /** What this kind of file means by custom; means and deviations in the order R, G, B. */
  readonly assumed: Recipe & Statement;
  /** What the file itself says: stating something else is a mistake. */
  readonly stated: Partial<Statement>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Not float32. */
  readonly others: ReadonlyMap<string, RawTensor>;
}

/** torchvision's and timm's training on ImageNet: pixels in [0, 1]. */
export const IMAGENET_MEAN: Rgb = [0.485, 0.456, 0.406];
export const IMAGENET_STD_DEV: Rgb = [0.229, 0.224, 0.225];

/** Shapes (outputs, inputs, kernel, kernel) and (outputs,). */
export interface Layer {
  readonly kernel: Float32Array;
  readonly bias?: Float32Array;
  readonly norm?: {
    readonly scale: Float32Array;
    readonly shift: Float32Array;
    readonly mean: Float32Array;
    readonly variance: Float32Array;
  };
}

/**
 * A bias goes into the mean that its batch norm subtracts. Where the exporter folded the batch norm away, one that does
 * nothing is put in its place: variance + epsilon is 1, to within half a unit of float32.
 *
 * @param epsilon - of all batch norms of this file.
 */
export function layerTensors(convolution: Convolution, { kernel, bias, norm }: Layer, epsilon: number) {
  const { name, norm: normName, inputs, outputs, kernel: size } = convolution;
  const zeros = new Float32Array(outputs);
  const { scale, shift, mean, variance } = norm ?? {
    scale: new Float32Array(outputs).fill(1),
    shift: zeros,
    mean: zeros,
    variance: new Float32Array(outputs).fill(1 - epsilon),
  };
  const centre = bias === undefined ? mean : mean.map((value, output) => value - (bias[output] ?? NaN));
  const vector = (values: Float32Array): Tensor => ({ shape: [outputs], values });
  return [
    [`${name}.weight`, { shape: [outputs, inputs, size, size], values: kernel }],
    [`${normName}.weight`, vector(scale)],
    [`${normName}.bias`, vector(shift)],
    [`${normName}.running_mean`, vector(centre)],
    [`${normName}.running_var`, vector(variance)],
  ] satisfies [string, Tensor][];
}

/** The first kernel with its colours turned round. @param kernel - shape (outputs, channels, size, size). */
function reversedColours({ shape, values }: Tensor): Tensor {
  const [outputs = 0, channels = 0] = shape;
  const plane = values.length / (outputs * channels);
  const reversed = new Float32Array(values.length);
  for (let output = 0; output < outputs; output++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (output * channels + channel) * plane;
      reversed.set(values.subarray(from, from + plane), (output * channels + channels - 1 - channel) * plane);
    }
  }
  return { shape, values: reversed };
}

/** @param order - of the file. @returns its tensors with the first kernel in RGB. */
export function withRgbOrder({ tensors, others }: Download, order: ChannelOrder): Pick<Download, 'tensors' | 'others'> {
  const name = `${stem(resnet50('v1.5')).name}.weight`;
  const kernel = tensors.get(name);
  if (order === 'rgb' || kernel === undefined) return { tensors, others };
  return { tensors: new Map([...tensors, [name, reversedColours(kernel)]]), others };
}
