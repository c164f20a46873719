/** The newest head of a run at a hospital: each is read from the coordinator once, or was computed here. */
import type { Digest, RunConfig } from '@consilium/protocol';
import type { CoordinatorChannel } from '../channel/channel.js';

export class HeadCache {
  #newest: { readonly digest: Digest; readonly model: Float32Array } | undefined;

  constructor(
    private readonly channel: CoordinatorChannel,
    private readonly config: RunConfig,
  ) {}

  /** float32, shape (parameters,). @throws {@link ProtocolError} `DIGEST_MISMATCH`. */
  async read(digest: Digest): Promise<Float32Array> {
    if (this.#newest?.digest === digest) return this.#newest.model;
    const { runId, parameters } = this.config;
    const bytes = await this.channel.readBlob(runId, digest, 4 * parameters);
    const model = new Float32Array(bytes.buffer);
    this.keep(digest, model);
    return model;
  }

  keep(digest: Digest, model: Float32Array): void {
    this.#newest = { digest, model };
  }

  /** Overwrites it. */
  forget(): void {
    this.#newest?.model.fill(0);
    this.#newest = undefined;
  }
}
