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
