/** The weights of the convolutions with their batch norms, under torchvision's names, checked once against the architecture. */
import type { RawTensor, Tensor } from '@consilium/tensors';
import { type Architecture, type Convolution, convolutions, kernelLength } from './architecture.js';
import { BackboneError } from './errors.js';

export interface NormedConvolution {
  readonly convolution: Convolution;
  /** Shape (outputs, inputs, kernel, kernel). */
  readonly kernel: Float32Array;
  /** The batch norm, one number per output: (x - mean) / sqrt(variance + epsilon) * scale + shift. */
  readonly scale: Float32Array;
  readonly shift: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** In the order of {@link convolutions}. */
export type Weights = readonly NormedConvolution[];

export interface Source {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly others: ReadonlyMap<string, RawTensor>;
}

/** The classifier of the original training, and counters of the training: no part of a frozen backbone. */
const isIgnored = (name: string): boolean => name.startsWith('fc.') || name.endsWith('.num_batches_tracked');

/**
 * The one check of a tensor of any format.
 *
 * @param name - as the file calls it, for the error.
 * @throws {@link BackboneError} `TENSOR_MISSING`, `TENSOR_SHAPE` or `TENSOR_NOT_FINITE`.
 */
export function checkedValues(tensor: Tensor | undefined, name: string, shape: readonly number[]): Float32Array {
  if (tensor === undefined) {
    throw new BackboneError('TENSOR_MISSING', `tensor ${name} is not in the file`, { tensor: name });
  }
  if (tensor.shape.length !== shape.length || !shape.every((length, i) => length === tensor.shape[i])) {
    const found = tensor.shape.join('x');
    throw new BackboneError('TENSOR_SHAPE', `tensor ${name} is ${found}, not ${shape.join('x')}`, { tensor: name });
  }
  if (!tensor.values.every(Number.isFinite)) {
    throw new BackboneError('TENSOR_NOT_FINITE', `tensor ${name} has a number that is not finite`, { tensor: name });
  }
  return tensor.values;
}

function take({ tensors, others }: Source, name: string, shape: readonly number[]): Float32Array {
  const raw = others.get(name);
  if (raw !== undefined) {
    throw new BackboneError('WEIGHTS_INVALID', `tensor ${name} is ${raw.dtype}: float32 weights are needed`, {
      tensor: name,
    });
  }
  return checkedValues(tensors.get(name), name, shape);
}

/**
 * @param alsoKnown - further float32 tensors that the file may hold, by name.
 * @throws {@link BackboneError} `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `TENSOR_SHAPE`, `TENSOR_NOT_FINITE`, or
 * `WEIGHTS_INVALID` for another dtype and for a negative variance; `tensor` names the tensor.
 */
export function weightsOf(source: Source, architecture: Architecture, alsoKnown: readonly string[] = []): Weights {
  const known = new Set(alsoKnown);
  const named = (name: string, shape: readonly number[]): Float32Array => {
    known.add(name);
    return take(source, name, shape);
  };
  const weights = convolutions(architecture).map((convolution) => {
    const { name, norm, inputs, outputs, kernel: size } = convolution;
    const kernel = named(`${name}.weight`, [outputs, inputs, size, size]);
    const [scale, shift, mean, variance] = (['weight', 'bias', 'running_mean', 'running_var'] as const).map((part) =>
      named(`${norm}.${part}`, [outputs]),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    if (!variance.every((value) => value >= 0)) {
      const tensor = `${norm}.running_var`;
      throw new BackboneError('WEIGHTS_INVALID', `tensor ${tensor} has a negative variance`, { tensor });
    }
    return { convolution, kernel, scale, shift, mean, variance };
  });
  // A surplus tensor is a different network, a convolution with a bias for example: its features would be wrong, silently.
  for (const name of [...source.tensors.keys(), ...source.others.keys()]) {
    if (!known.has(name) && !isIgnored(name)) {
      throw new BackboneError('TENSOR_UNKNOWN', `tensor ${JSON.stringify(name)} is no part of a ResNet50`, {
        tensor: name,
      });
    }
  }
  return weights;
}

/** The tensors that {@link weightsOf} reads, sharing memory. */
export function tensorsOf(weights: Weights): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const { convolution, kernel, scale, shift, mean, variance } of weights) {
    const { name, norm, inputs, outputs, kernel: size } = convolution;
    tensors.set(`${name}.weight`, { shape: [outputs, inputs, size, size], values: kernel });
    tensors.set(`${norm}.weight`, { shape: [outputs], values: scale });
    tensors.set(`${norm}.bias`, { shape: [outputs], values: shift });
    tensors.set(`${norm}.running_mean`, { shape: [outputs], values: mean });
    tensors.set(`${norm}.running_var`, { shape: [outputs], values: variance });
  }
  return tensors;
}

/** Scale of each output once the batch norm is folded into the convolution; float64. */
const foldedScale = ({ scale, variance }: NormedConvolution, output: number, epsilon: number): number =>
  (scale[output] ?? NaN) / Math.sqrt((variance[output] ?? NaN) + epsilon);

/** Writes the kernel with the batch norm folded in, computed in float64 and rounded once. @param folded - as long as the kernel. */
export function foldKernel(weight: NormedConvolution, epsilon: number, folded: Float32Array): void {
  const { kernel, convolution } = weight;
  const perOutput = kernelLength(convolution) / convolution.outputs;
  for (let output = 0; output < convolution.outputs; output++) {
    const factor = foldedScale(weight, output, epsilon);
    const end = (output + 1) * perOutput;
    for (let i = output * perOutput; i < end; i++) folded[i] = (kernel[i] ?? NaN) * factor;
  }
}

/** Writes the bias that belongs to {@link foldKernel}. @param folded - one number per output. */
export function foldBias(weight: NormedConvolution, epsilon: number, folded: Float32Array): void {
  for (let output = 0; output < folded.length; output++) {
    const factor = foldedScale(weight, output, epsilon);
    folded[output] = (weight.shift[output] ?? NaN) - (weight.mean[output] ?? NaN) * factor;
  }
}
