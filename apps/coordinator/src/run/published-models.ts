/** The heads that hospitals may read: in the store under their digest, and the newest two in memory. */
import type { Digest } from '@consilium/protocol';
import { StoreError, type BlobStore, type Lease } from '@consilium/store';
import { floatBytes } from '@consilium/tensors';
import { readBlob, writeBlob } from './stored-blob.js';

/** Where the store has a head. */
export const modelName = (digest: string): string => `model/${digest}`;

export class PublishedModels {
  readonly #rounds = new Map<number, Digest>();
  readonly #digests = new Set<string>();
  readonly #memory = new Map<string, Float32Array>();
  /** Under way: a hundred hospitals that ask for one head wait for one copy of it. */
  readonly #reads = new Map<string, Promise<Float32Array>>();
  #initial: { readonly digest: string; readonly model: Float32Array } | undefined;

  constructor(
    private readonly blobs: BlobStore,
    private readonly runId: string,
  ) {}

  /** The head before the first round: everybody computes it, nobody stores it. */
  start(digest: string, model: Float32Array): void {
    this.#initial = { digest, model };
    this.#digests.add(digest);
  }

  /** A head that is in the store. */
  know(round: number, digest: Digest): void {
    this.#rounds.set(round, digest);
    this.#digests.add(digest);
  }

  /** Durable when it resolves. */
  async keep(lease: Lease, round: number, digest: Digest, model: Float32Array): Promise<void> {
    await writeBlob(this.blobs, lease, this.runId, { name: modelName(digest), bytes: floatBytes(model), digest });
    this.#remember(digest, model);
    this.know(round, digest);
  }

  digestOf(round: number): Digest | undefined {
    return this.#rounds.get(round);
  }

  /** @throws StoreError `BLOB_UNKNOWN` for a digest that this run did not publish. */
  async read(digest: string): Promise<Float32Array> {
    const known = digest === this.#initial?.digest ? this.#initial.model : this.#memory.get(digest);
    if (known !== undefined) return known;
    if (!this.#digests.has(digest)) throw new StoreError('BLOB_UNKNOWN', 'this run has no such head');
    const reading = this.#reads.get(digest) ?? this.#load(digest);
    this.#reads.set(digest, reading);
    return reading;
  }

  async #load(digest: string): Promise<Float32Array> {
    try {
      const bytes = await readBlob(this.blobs, this.runId, modelName(digest));
      const model = new Float32Array(bytes.buffer);
      this.#remember(digest, model);
      return model;
    } finally {
      this.#reads.delete(digest);
    }
  }

  #remember(digest: string, model: Float32Array): void {
    this.#memory.delete(digest);
    this.#memory.set(digest, model);
    for (const oldest of this.#memory.keys()) {
      if (this.#memory.size <= 2) break;
      this.#memory.delete(oldest);
    }
  }
}
