/**
 * Sealed updates on the coordinator's disk: ciphertext only, one file for each, named by its digest. A file gets its
 * name when it is complete and has that digest; until then it is a `.part`.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BlobDigest } from '@consilium/crypto';
import { ProtocolError, type Digest } from '@consilium/protocol';

/** One blob on its way in. Writes are synchronous: chunks of one connection must not overtake each other. */
export class IncomingBlob {
  readonly #digest = new BlobDigest();
  readonly #file: number;
  readonly #path: string;
  #receivedBytes = 0;

  constructor(
    private readonly folder: string,
    readonly digest: Digest,
    readonly sizeBytes: number,
  ) {
    this.#path = join(folder, `${digest}.part`);
    this.#file = openSync(this.#path, 'w', 0o600);
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** @throws {@link ProtocolError} `CHUNK_OUT_OF_ORDER` or `UPDATE_SIZE`; then nothing was written. */
  append(offset: number, chunk: Uint8Array): void {
    if (offset !== this.#receivedBytes) throw new ProtocolError('CHUNK_OUT_OF_ORDER');
    if (offset + chunk.length > this.sizeBytes) throw new ProtocolError('UPDATE_SIZE');
    writeSync(this.#file, chunk);
    this.#digest.update(chunk);
    this.#receivedBytes += chunk.length;
  }

  /**
   * @throws {@link ProtocolError} `UPDATE_SIZE` while bytes are missing: the sender may go on. `DIGEST_MISMATCH` when
   * they are other bytes than those that were promised: they are gone then, and the sender starts again.
   */
  complete(): void {
    if (this.#receivedBytes < this.sizeBytes) throw new ProtocolError('UPDATE_SIZE', 'bytes are missing');
    if (this.#digest.finish() !== this.digest) {
      this.discard();
      throw new ProtocolError('DIGEST_MISMATCH');
    }
    closeSync(this.#file);
    renameSync(this.#path, join(this.folder, this.digest));
  }

  discard(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }
}

export class BlobFolder {
  constructor(readonly path: string) {}

  begin(digest: Digest, sizeBytes: number): IncomingBlob {
    return new IncomingBlob(this.path, digest, sizeBytes);
  }

  read(digest: Digest): Uint8Array {
    return readFileSync(join(this.path, digest));
  }

  remove(digest: Digest): void {
    rmSync(join(this.path, digest), { force: true });
  }
}
