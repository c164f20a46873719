/** A head as a list of dense layers, from the embedding to the scores; relu between them, none after the last. */
import { headTensors, type HeadSpec } from '@consilium/model-spec';

/** Float32 as it is stored and sent; float64 while the reference computes with it. */
export type Vector = Float32Array | Float64Array;

export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** Row-major (inputs, outputs), a view of the flat vector. */
  readonly kernel: Vector;
  /** (outputs,), a view of the flat vector. */
  readonly bias: Vector;
}

/** @param flat - shape (d,), already checked. The views lie in the order of the manifest. */
export function layersOf(spec: HeadSpec, flat: Vector): readonly Layer[] {
  return headTensors(spec).flatMap(({ shape, offset, length }) => {
    const [inputs, outputs] = shape;
    if (outputs === undefined) return [];
    const end = offset + length;
    return [{ inputs, outputs, kernel: flat.subarray(offset, end), bias: flat.subarray(end, end + outputs) }];
  });
}
