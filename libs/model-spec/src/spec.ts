/** Which heads exist. A head maps an embedding (inputs,) to class scores (classes,); the softmax is not a part of it. */
import { ModelSpecError } from './errors.js';

/** scores = x W + b */
export interface LinearSpec {
  readonly kind: 'linear';
  readonly inputs: number;
  readonly classes: number;
}

/** scores = relu(x W1 + b1) W2 + b2 */
export interface MlpSpec {
  readonly kind: 'mlp';
  readonly inputs: number;
  readonly hidden: number;
  readonly classes: number;
}

export type HeadSpec = LinearSpec | MlpSpec;

/** Largest sizes, so that a hostile plan cannot ask for more memory than a node has (at most 0.5 GiB of float32). */
export const headLimits = { inputs: 16_384, hidden: 8_192, classes: 1_000 } as const;

function checkSize(name: keyof typeof headLimits, size: number, least: number): void {
  if (!Number.isSafeInteger(size) || size < least || size > headLimits[name]) {
    throw new ModelSpecError('BAD_SPEC', `${name} must be an integer in ${least}..${headLimits[name]}`);
  }
}

/**
 * @param spec - inputs 1..16384, hidden 1..8192, classes 2..1000; its kind is checked too, since it may come from a plan.
 * @returns The same object.
 * @throws {@link ModelSpecError} `BAD_SPEC`, naming the field.
 */
export function checkHeadSpec<S extends HeadSpec>(spec: S): S {
  const kind: string = spec.kind;
  if (kind !== 'linear' && kind !== 'mlp') throw new ModelSpecError('BAD_SPEC', 'kind must be linear or mlp');
  checkSize('inputs', spec.inputs, 1);
  if (spec.kind === 'mlp') checkSize('hidden', spec.hidden, 1);
  checkSize('classes', spec.classes, 2);
  return spec;
}
