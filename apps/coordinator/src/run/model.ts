/** Heads as bytes: float32 little-endian, shape (d,), in the order of the head's tensors. */

/** A view, not a copy. */
export const floatBytes = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** The heads that hospitals may read now: the newest two, by digest. */
export class PublishedModels {
  readonly #models = new Map<string, Float32Array>();

  publish(digest: string, model: Float32Array): void {
    this.#models.delete(digest);
    this.#models.set(digest, model);
    for (const oldest of this.#models.keys()) {
      if (this.#models.size <= 2) break;
      this.#models.delete(oldest);
    }
  }

  get(digest: string): Float32Array | undefined {
    return this.#models.get(digest);
  }
}
