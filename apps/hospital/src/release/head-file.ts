/** `head.safetensors`: what was trained, with the constants that its inputs need. */
import { featureScaling, type Backbone, type DenseLayer } from '@consilium/backbone';
import { headTensors, type HeadSpec } from '@consilium/model-spec';
import { readSafetensors, TensorsError, writeSafetensors, type Tensor } from '@consilium/tensors';
import { HospitalError } from '../errors.js';
import type { HeadModel } from './heat-map.js';

const MEAN = 'feature.mean';
const FACTOR = 'feature.factor';

/** @param parameters - float32, shape (d,). The layers are views of it. */
export function layersOf(spec: HeadSpec, parameters: Float32Array): DenseLayer[] {
  return headTensors(spec).flatMap(({ shape: [inputs, outputs], offset, length }) => {
    if (outputs === undefined) return [];
    const end = offset + length;
    return [
      { inputs, outputs, kernel: parameters.subarray(offset, end), bias: parameters.subarray(end, end + outputs) },
    ];
  });
}

export function headFile(
  spec: HeadSpec,
  parameters: Float32Array,
  backbone: Backbone,
  about: Readonly<Record<string, string>>,
): Uint8Array {
  const tensors = new Map<string, Tensor>(
    headTensors(spec).map(({ name, shape, offset, length }) => [
      name,
      { shape, values: parameters.subarray(offset, offset + length) },
    ]),
  );
  const { mean, factor } = featureScaling(backbone);
  tensors.set(MEAN, { shape: [mean.length], values: mean });
  tensors.set(FACTOR, { shape: [factor.length], values: factor });
  return writeSafetensors(tensors, new Map(Object.entries({ format: 'consilium/head/1', ...about })));
}

/**
 * @param bytes - from a release folder, not trusted.
 * @throws {@link HospitalError} `RELEASE_DAMAGED` for a tensor that is missing, of another shape or not finite.
 */
export function readHead(bytes: Uint8Array, spec: HeadSpec): HeadModel {
  let tensors: ReadonlyMap<string, Tensor>;
  try {
    ({ tensors } = readSafetensors(bytes));
  } catch (cause) {
    if (!(cause instanceof TensorsError)) throw cause;
    throw new HospitalError('RELEASE_DAMAGED', `head.safetensors: ${cause.message}`, { cause });
  }
  const take = (name: string, shape: readonly number[]): Float32Array => {
    const tensor = tensors.get(name);
    if (tensor?.shape.join() !== shape.join() || !tensor.values.every(Number.isFinite)) {
      throw new HospitalError('RELEASE_DAMAGED', `head.safetensors has no ${name} of shape ${shape.join(' x ')}`);
    }
    return tensor.values;
  };
  const flat = Float32Array.from(headTensors(spec).flatMap(({ name, shape }) => [...take(name, shape)]));
  return {
    mean: take(MEAN, [spec.inputs]),
    factor: take(FACTOR, [spec.inputs]),
    layers: layersOf(spec, flat),
  };
}
