/** What turns images into embeddings. One interface, so that the choice of hardware is a line in a configuration. */

/** In the order in which `auto` tries them: GPUs first, then native code on the processor, then WebAssembly. */
export const AUTOMATIC_ENGINES = [
  'tfjs-gpu',
  'onnxruntime-cuda',
  'onnxruntime-webgpu',
  'onnxruntime-cpu',
  'onnxruntime-web',
] as const;

/** Chosen by name alone: the code of `tfjs-gpu` where there is no GPU, 7 and 250 times slower than `onnxruntime-cpu`. */
export const FORCED_ENGINES = ['tfjs-wasm', 'tfjs-cpu'] as const;

/** Part of the key of every cached embedding: engines agree to about 1e-6, not bit by bit. */
export type EngineId = (typeof AUTOMATIC_ENGINES)[number] | (typeof FORCED_ENGINES)[number];
export type EnginePreference = 'auto' | EngineId;
export type Precision = 'fp32';

export interface Engine {
  readonly id: EngineId;
  readonly precision: Precision;
  /**
   * Computes in a thread of its own: the caller's event loop stays free.
   *
   * @param images - grey, [0, 1], shape (n, side, side). Not modified.
   * @returns shape (n, featureLength), not standardised. Calls may overlap; each image is computed alone, so the result
   * does not depend on its neighbours.
   * @throws {@link BackboneError} `FEATURES_NOT_FINITE`, `ENGINE_CLOSED`, or `ENGINE_UNAVAILABLE` if the engine broke down
   * under way. RangeError if the length is wrong.
   */
  embed(images: Float32Array, n: number): Promise<Float32Array>;
  /** Frees the memory of the weights after the images in work; an `embed` with more to do ends with `ENGINE_CLOSED`. Idempotent. */
  close(): Promise<void>;
}

export interface EngineOptions {
  /** Threads of one embedding, 1 or more: as many as cores that the hospital gives. `tfjs-*` and GPUs do not use it. */
  readonly threads: number;
  /** `onnxruntime-cpu` if absent. */
  readonly engine?: EnginePreference;
}
