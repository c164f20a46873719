/** One engine inside its own thread: from one normalised image to its features. */
import type { FoldedLayers } from '../graph.js';

/** What an engine is built from; a kind of engine takes one of the two. */
export type Model = { readonly onnx: Uint8Array<ArrayBuffer> } | { readonly layers: FoldedLayers };

export interface Kernel {
  /**
   * @param pixels - normalised, shape (3, side, side). Not modified.
   * @returns shape (featureLength,), a new array; undefined if the model has no such output.
   */
  compute(pixels: Float32Array, side: number): Promise<Float32Array | undefined>;
  /** Not while a `compute` is under way: native code would use memory that was freed. */
  release(): Promise<void>;
}
