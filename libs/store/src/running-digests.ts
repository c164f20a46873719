/**
 * SHA-256 of blobs in the making, kept up while their bytes are written, so that a whole blob need not be read again. Known
 * only for one that was written from its first byte by one leader in this process, and every write of which was committed;
 * of any other the bytes that lie in the store decide.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Lease } from './run-store.js';

interface Running {
  readonly hash: Hash;
  /** Under another token, another process may have written in between. */
  readonly token: number;
  sizeBytes: number;
  /** Bytes whose transaction may yet be undone count for nothing. */
  isCommitted: boolean;
}

/** Of blobs that were begun and left lying, the oldest are forgotten. */
const MOST = 1_024;

export class RunningDigests {
  readonly #running = new Map<string, Running>();

  /**
   * Hashes while the write is under way.
   *
   * @param offset - where these bytes begin, and where those end that are there already.
   * @returns What to call when the transaction around the write is committed: before that, nothing is known of the blob.
   */
  async during(
    content: string,
    offset: number,
    { token }: Lease,
    bytes: Uint8Array,
    write: () => Promise<void>,
  ): Promise<() => void> {
    const known = this.#running.get(content);
    const running =
      offset === 0
        ? { hash: createHash('sha256'), token, sizeBytes: 0, isCommitted: false }
        : isAt(known, offset, token)
          ? known
          : undefined;
    // A transaction that fails leaves it unknown, whenever its caller learns of that.
    this.#running.delete(content);
    const writing = write();
    running?.hash.update(bytes);
    await writing;
    if (running === undefined) return () => undefined;
    running.sizeBytes = offset + bytes.length;
    running.isCommitted = false;
    this.#running.set(content, running);
    for (const oldest of this.#running.keys()) {
      if (this.#running.size <= MOST) break;
      this.#running.delete(oldest);
    }
    return () => {
      running.isCommitted = true;
    };
  }

  /** @returns Bytes that were written and are known; undefined of a blob that another may have written to. */
  sizeOf(content: string, { token }: Lease): number | undefined {
    const running = this.#running.get(content);
    return running?.isCommitted === true && running.token === token ? running.sizeBytes : undefined;
  }

  /** @returns 64 hex digits; undefined unless it is known of exactly so many bytes. */
  of(content: string, sizeBytes: number, { token }: Lease): string | undefined {
    const running = this.#running.get(content);
    return isAt(running, sizeBytes, token) ? running.hash.copy().digest('hex') : undefined;
  }

  forget(contents: readonly string[]): void {
    for (const content of contents) this.#running.delete(content);
  }
}

const isAt = (running: Running | undefined, sizeBytes: number, token: number): running is Running =>
  running?.isCommitted === true && running.sizeBytes === sizeBytes && running.token === token;
