/** ResNet50 from an ONNX file: weights, variant and epsilon; how its pixels are prepared, no ONNX file says. */
import type { Tensor } from '@consilium/tensors';
import { type Architecture, convolutions, type Variant } from '../architecture.js';
import { BackboneError } from '../errors.js';
import { checkedValues } from '../weights.js';
import { type Download, IMAGENET_MEAN, IMAGENET_STD_DEV, layerTensors } from './download.js';
import { convolutionsOf, type FoundConvolution, type NamedTensor } from './onnx-graph.js';
import { parseOnnx } from './onnx-messages.js';

/** Used where every batch norm was folded away: it then changes nothing. */
const EPSILON_IF_FOLDED = 1e-5;

const VARIANTS = ['v1', 'v1.5'] as const satisfies readonly Variant[];

/** @throws {@link BackboneError} `WEIGHTS_INVALID` for strides of neither variant. */
function variantOf(found: readonly FoundConvolution[], shape: Architecture): Variant {
  const variant = VARIANTS.find((candidate) =>
    convolutions({ ...shape, variant: candidate }).every(({ stride }, i) => found[i]?.stride === stride),
  );
  if (variant !== undefined) return variant;
  throw new BackboneError('WEIGHTS_INVALID', 'ONNX: the strides are those of neither v1 nor v1.5');
}

/** @throws {@link BackboneError} `WEIGHTS_INVALID` if batch norms differ in theirs: ours has one for all. */
function epsilonOf(found: readonly FoundConvolution[]): number {
  const all = new Set(found.flatMap(({ norm }) => (norm === undefined ? [] : [norm.epsilon])));
  if (all.size > 1) throw new BackboneError('WEIGHTS_INVALID', 'ONNX: the batch norms do not have one epsilon');
  const [epsilon = EPSILON_IF_FOLDED] = all;
  return epsilon;
}

/**
 * @param bytes - an ONNX file; attacker-controlled.
 * @throws {@link BackboneError} `WEIGHTS_INVALID`, or `TENSOR_SHAPE` or `TENSOR_NOT_FINITE` in the file's own names.
 */
export function readOnnx(bytes: Uint8Array, shape: Architecture): Download {
  const found = convolutionsOf(parseOnnx(bytes));
  const variant = variantOf(found, shape);
  const epsilon = epsilonOf(found);
  const tensors = new Map<string, Tensor>();
  for (const [i, convolution] of convolutions({ ...shape, variant }).entries()) {
    const { kernel, bias, norm } = found[i] as FoundConvolution;
    const { inputs, outputs, kernel: size } = convolution;
    const vector = (tensor: NamedTensor): Float32Array => checkedValues(tensor, tensor.name, [outputs]);
    const layer = {
      kernel: checkedValues(kernel, kernel.name, [outputs, inputs, size, size]),
      ...(bias && { bias: vector(bias) }),
      ...(norm && {
        norm: {
          scale: vector(norm.scale),
          shift: vector(norm.shift),
          mean: vector(norm.mean),
          variance: vector(norm.variance),
        },
      }),
    };
    for (const [name, tensor] of layerTensors(convolution, layer, epsilon)) tensors.set(name, tensor);
  }
  return {
    kind: 'onnx',
    assumed: {
      name: 'ResNet50, ONNX',
      trained: true,
      variant,
      epsilon,
      order: 'rgb',
      channelMean: IMAGENET_MEAN,
      channelStdDev: IMAGENET_STD_DEV,
    },
    stated: { variant, epsilon },
    tensors,
    others: new Map(),
  };
}
