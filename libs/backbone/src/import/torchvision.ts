/** Safetensors under the names of torchvision and timm, with or without biases. */
import { readSafetensors, type Safetensors, type Tensor, TensorsError } from '@consilium/tensors';
import { type Architecture, convolutions } from '../architecture.js';
import { BackboneError } from '../errors.js';
import { checkedValues } from '../weights.js';
import { type Download, IMAGENET_MEAN, IMAGENET_STD_DEV } from './download.js';

/** @throws {@link BackboneError} `WEIGHTS_INVALID`. */
export function parseSafetensors(bytes: Uint8Array): Safetensors {
  try {
    return readSafetensors(bytes);
  } catch (cause) {
    if (!(cause instanceof TensorsError)) throw cause;
    throw new BackboneError('WEIGHTS_INVALID', cause.message, { cause });
  }
}

/**
 * The shapes are those of v1 and of v1.5: the file cannot say which, and v1.5 is what both libraries train.
 *
 * @throws {@link BackboneError} `TENSOR_SHAPE` or `TENSOR_NOT_FINITE` for a bias; the rest is checked by `weightsOf`.
 */
export function readTorchvision({ tensors: found, others }: Safetensors, architecture: Architecture): Download {
  const tensors = new Map(found);
  for (const { name, norm, outputs } of convolutions(architecture)) {
    const biasName = `${name}.bias`;
    const meanName = `${norm}.running_mean`;
    const bias = tensors.get(biasName);
    if (bias === undefined) continue;
    const values = checkedValues(bias, biasName, [outputs]);
    const mean = checkedValues(tensors.get(meanName), meanName, [outputs]);
    tensors.delete(biasName);
    tensors.set(meanName, {
      shape: [outputs],
      values: mean.map((value, output) => value - (values[output] ?? NaN)),
    } satisfies Tensor);
  }
  return {
    kind: 'safetensors',
    assumed: {
      name: 'ResNet50, torchvision layout',
      trained: true,
      variant: 'v1.5',
      epsilon: 1e-5,
      order: 'rgb',
      channelMean: IMAGENET_MEAN,
      channelStdDev: IMAGENET_STD_DEV,
    },
    stated: {},
    tensors,
    others,
  };
}
