/** What every entry point of this library refuses, in one place. All of it may come from a plan or from a broken cache. */
import { parameterCount, type HeadSpec } from '@consilium/model-spec';
import type { Examples } from './batches.js';
import { HeadError } from './errors.js';

/** @throws {@link HeadError} `WRONG_SHAPE`. */
export function checkLength(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new HeadError('WRONG_SHAPE', `expected ${expected} ${what}, got ${actual}`);
}

/** @throws {@link HeadError} `NOT_FINITE` with the first bad index, never its value. */
export function checkFinite(what: string, values: Float32Array): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index >= 0) throw new HeadError('NOT_FINITE', `${what}: entry ${index} is not a finite number`);
}

/** @throws {@link HeadError} `UNKNOWN_LABEL` with the first bad index. */
export function checkLabels(labels: Int32Array, classes: number): void {
  const index = labels.findIndex((label) => label < 0 || label >= classes);
  if (index >= 0) throw new HeadError('UNKNOWN_LABEL', `label ${index} is not a class in 0..${classes - 1}`);
}

/** @throws {@link HeadError} `WRONG_SHAPE` or `NOT_FINITE`; ModelSpecError for the spec itself. */
export function checkParameters(spec: HeadSpec, parameters: Float32Array): void {
  checkLength('parameters', parameters.length, parameterCount(spec));
  checkFinite('parameters', parameters);
}

/** @throws {@link HeadError} `WRONG_SHAPE` or `NOT_FINITE`. */
export function checkEmbeddings(spec: HeadSpec, embeddings: Float32Array, n: number): void {
  checkLength('embedding entries', embeddings.length, n * spec.inputs);
  checkFinite('embeddings', embeddings);
}

/** @throws {@link HeadError} `NO_EXAMPLES` with `nothing` as its message, `WRONG_SHAPE`, `NOT_FINITE` or `UNKNOWN_LABEL`. */
export function checkExamples(spec: HeadSpec, { embeddings, labels }: Examples, nothing: string): void {
  if (labels.length === 0) throw new HeadError('NO_EXAMPLES', nothing);
  checkEmbeddings(spec, embeddings, labels.length);
  checkLabels(labels, spec.classes);
}
