/** The manifest of a head: where each named tensor lies in the flat parameter vector (d,). */
import { ModelSpecError } from './errors.js';
import { checkHeadSpec, type HeadSpec, type MlpSpec } from './spec.js';

type OutputName = 'output.kernel' | 'output.bias';

/** The names that a head of this kind has. For a head of unknown kind: those that every kind has. */
export type TensorName<S extends HeadSpec = MlpSpec> = [S] extends [MlpSpec]
  ? 'hidden.kernel' | 'hidden.bias' | OutputName
  : OutputName;

export interface HeadTensor {
  readonly name: TensorName;
  /** Kernels (inputs, outputs), row-major: entry (i, j) is at offset + i * outputs + j. Biases (outputs,). */
  readonly shape: readonly [number, number] | readonly [number];
  /** First coordinate in the flat vector, in floats. */
  readonly offset: number;
  /** Number of floats. */
  readonly length: number;
}

/**
 * The tensors in the one order that every hospital, the coordinator and the ledger use: the layers from the embedding to
 * the scores, each its kernel and then its bias, without gaps.
 *
 * @throws {@link ModelSpecError} `BAD_SPEC`.
 */
export function headTensors(spec: HeadSpec): readonly HeadTensor[] {
  checkHeadSpec(spec);
  const layers =
    spec.kind === 'mlp'
      ? ([
          ['hidden', spec.inputs, spec.hidden],
          ['output', spec.hidden, spec.classes],
        ] as const)
      : ([['output', spec.inputs, spec.classes]] as const);
  const tensors: HeadTensor[] = [];
  let offset = 0;
  for (const [layer, inputs, outputs] of layers) {
    tensors.push({ name: `${layer}.kernel`, shape: [inputs, outputs], offset, length: inputs * outputs });
    offset += inputs * outputs;
    tensors.push({ name: `${layer}.bias`, shape: [outputs], offset, length: outputs });
    offset += outputs;
  }
  return tensors;
}

/** @returns d, the length of the flat parameter vector. @throws {@link ModelSpecError} `BAD_SPEC`. */
export const parameterCount = (spec: HeadSpec): number =>
  headTensors(spec).reduce((sum, tensor) => sum + tensor.length, 0);

/**
 * @param flat - float32, shape (d,).
 * @returns A view of each tensor by name, row-major, in manifest order; writing to a view writes to `flat`.
 * @throws {@link ModelSpecError} `WRONG_LENGTH` unless `flat` has exactly d entries; `BAD_SPEC`.
 */
export function splitParameters<S extends HeadSpec>(
  spec: S,
  flat: Float32Array,
): Readonly<Record<TensorName<S>, Float32Array>> {
  const expected = parameterCount(spec);
  if (flat.length !== expected) {
    throw new ModelSpecError('WRONG_LENGTH', `expected ${expected} parameters, got ${flat.length}`);
  }
  const views = headTensors(spec).map(({ name, offset, length }) => [name, flat.subarray(offset, offset + length)]);
  return Object.fromEntries(views) as Record<TensorName<S>, Float32Array>;
}
