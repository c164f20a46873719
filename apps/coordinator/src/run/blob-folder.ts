/**
 * Sealed updates on the coordinator's disk: ciphertext only, one file for each, named by its hospital and its digest. A
 * file gets its name when it is complete and has that digest; until then it is a `.part`.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BlobDigest } from '@consilium/crypto';
import { ProtocolError, type Digest, type HospitalId } from '@consilium/protocol';

/** The digest alone would let a hospital that has seen another's update offer it too, and have the file removed. */
export interface BlobOwner {
  readonly hospitalId: HospitalId;
  readonly blobDigest: Digest;
}

const fileOf = (folder: string, { hospitalId, blobDigest }: BlobOwner): string =>
  join(folder, `${hospitalId}-${blobDigest}`);

/** One blob on its way in. Writes are synchronous: chunks of one connection must not overtake each other. */
export class IncomingBlob {
  readonly #digest = new BlobDigest();
  readonly #file: number;
  readonly #path: string;
  #receivedBytes = 0;

  constructor(
    private readonly folder: string,
    private readonly owner: BlobOwner,
    readonly sizeBytes: number,
  ) {
    this.#path = `${fileOf(folder, owner)}.part`;
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
    if (this.#digest.finish() !== this.owner.blobDigest) {
      this.discard();
      throw new ProtocolError('DIGEST_MISMATCH');
    }
    closeSync(this.#file);
    renameSync(this.#path, fileOf(this.folder, this.owner));
  }

  discard(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }
}

export class BlobFolder {
  constructor(readonly path: string) {}

  begin(owner: BlobOwner, sizeBytes: number): IncomingBlob {
    return new IncomingBlob(this.path, owner, sizeBytes);
  }

  read(owner: BlobOwner): Uint8Array {
    return readFileSync(fileOf(this.path, owner));
  }

  remove(owner: BlobOwner): void {
    rmSync(fileOf(this.path, owner), { force: true });
  }
}
