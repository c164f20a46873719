/** What turns images into embeddings. One interface, so that the choice of hardware is a line in a configuration. */

/** Part of the key of every cached embedding: engines agree to about 1e-6, not bit by bit. */
export type EngineId = 'onnxruntime-cpu';
export type Precision = 'fp32';

export interface Engine {
  readonly id: EngineId;
  readonly precision: Precision;
  /**
   * @param images - grey, [0, 1], shape (n, side, side). Not modified.
   * @returns shape (n, featureLength), not standardised. Calls may overlap; each image is computed alone, so the result
   * does not depend on its neighbours.
   * @throws {@link BackboneError} `FEATURES_NOT_FINITE` or `ENGINE_CLOSED`. RangeError if the length is wrong.
   */
  embed(images: Float32Array, n: number): Promise<Float32Array>;
  /** Frees the memory of the weights after the image in work; an `embed` with more to do ends with `ENGINE_CLOSED`. Idempotent. */
  close(): Promise<void>;
}

export interface EngineOptions {
  /** Threads of one embedding, 1 or more: as many as cores that the hospital gives. */
  readonly threads: number;
}
