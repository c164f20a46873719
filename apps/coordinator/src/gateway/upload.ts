/**
 * One update on its way in. What arrives while the store writes goes with the next write, and a sealed one is opened and
 * checked as it comes: when it is whole, nothing of it need be read again.
 */
import { ProtocolError } from '@consilium/protocol';
import type { BlobStore, Lease } from '@consilium/store';
import type { SealedCheck } from '../run/sealed-check.js';
import { joined } from './joined.js';
import type { UploadStatement } from './update-kinds.js';

/** Of one write; more waits for the next one. */
const BATCH_BYTES = 1_048_576;
/** Chunks that wait for the store, of one upload: twice what an honest hospital has under way, whose line may just be new. */
const WAITING_BYTES = 2_097_152;

interface Batch {
  readonly offset: number;
  readonly parts: Uint8Array[];
  sizeBytes: number;
  readonly written: Promise<number>;
}

export class Upload {
  #turn: Promise<unknown> = Promise.resolve();
  /** Waits for its turn, and may still grow. */
  #batch: Batch | undefined;
  #check: SealedCheck | undefined;
  #checkedBytes = 0;
  #waitingBytes = 0;

  /**
   * @param takenBytes - what the store has, and what is on its way there: no chunk may begin later.
   * @param check - absent where the bytes are not all going to pass through here, or there is nothing to open.
   */
  constructor(
    readonly statement: UploadStatement,
    readonly name: string,
    private readonly blobs: Pick<BlobStore, 'append'>,
    private readonly lease: () => Lease,
    private takenBytes: number,
    check?: SealedCheck,
  ) {
    this.#check = check;
  }

  /** Chunks of one upload must not overtake each other, nor its commit. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /**
   * @returns What the store has of it when these bytes are written.
   * @throws StoreError as the store's `append`; {@link ProtocolError} for bytes that nothing may wait for.
   */
  take(offset: number, bytes: Uint8Array): Promise<number> {
    // Before they are kept: whoever sends does not wait for answers unless it is honest.
    const refusal = this.#refusalOf(offset, bytes.length);
    if (refusal !== undefined) return Promise.reject(new ProtocolError(refusal));
    this.takenBytes = Math.max(this.takenBytes, offset + bytes.length);
    this.#waitingBytes += bytes.length;
    return this.#queue(offset, bytes).finally(() => {
      this.#waitingBytes -= bytes.length;
    });
  }

  #refusalOf(
    offset: number,
    sizeBytes: number,
  ): 'UPDATE_SIZE' | 'CHUNK_OUT_OF_ORDER' | 'STORE_UNAVAILABLE' | undefined {
    if (offset + sizeBytes > this.statement.body.blobBytes) return 'UPDATE_SIZE';
    if (offset > this.takenBytes) return 'CHUNK_OUT_OF_ORDER';
    // The store is slow: the hospital tries again by itself.
    return this.#waitingBytes + sizeBytes > WAITING_BYTES ? 'STORE_UNAVAILABLE' : undefined;
  }

  #queue(offset: number, bytes: Uint8Array): Promise<number> {
    const open = this.#batch;
    const follows = open !== undefined && offset === open.offset + open.sizeBytes;
    if (follows && open.sizeBytes + bytes.length <= BATCH_BYTES) {
      open.parts.push(bytes);
      open.sizeBytes += bytes.length;
      return open.written;
    }
    const parts = [bytes];
    const written = this.inTurn(() => {
      if (this.#batch === batch) this.#batch = undefined;
      return joined(parts, BATCH_BYTES, (bytes) => this.#write(offset, bytes));
    });
    const batch: Batch = { offset, parts, sizeBytes: bytes.length, written };
    this.#batch = batch;
    return written;
  }

  /** @returns The check that has seen every byte that the store has; undefined if that must be read from there. */
  checked(): SealedCheck | undefined {
    return this.#checkedBytes === this.statement.body.blobBytes ? this.#check : undefined;
  }

  /** Wipes what it knows of the round's key. */
  close(): void {
    this.#check?.close();
  }

  async #write(offset: number, bytes: Uint8Array): Promise<number> {
    const writing = this.blobs.append(this.lease(), this.statement.body.runId, this.name, offset, bytes);
    // What the store has of these bytes already, it has not compared: only those that it takes as they are may be checked.
    if (offset === this.#checkedBytes) {
      this.#check?.push(bytes);
      this.#checkedBytes += bytes.length;
    }
    try {
      const received = await writing;
      if (received !== this.#checkedBytes) this.#doubt();
      return received;
    } catch (error) {
      this.#doubt();
      throw error;
    }
  }

  /** The check and the store may have seen different bytes. */
  #doubt(): void {
    this.close();
    this.#check = undefined;
  }
}
