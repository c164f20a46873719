/** The port: what a coordinator may rely on, whichever store lies behind it. `tests/stores` holds each store to it. */

/** Leadership of a whole store. Its token grows with every acquisition: a write with an older one is refused. */
export interface Lease {
  readonly holder: string;
  readonly token: number;
}

export interface RunRow {
  readonly runId: string;
  /** As `createRun` was given it. */
  readonly createdAt: string;
  readonly ended: boolean;
  readonly events: number;
}

export interface NewDocument {
  /** Names the document within its run. A digest that is stored already keeps its first body. */
  readonly digest: string;
  readonly kind: string;
  readonly body: string;
}

export interface NewSecret {
  readonly name: string;
  /** Encrypted by the caller already; `undefined` erases. */
  readonly value: Uint8Array | undefined;
}

/** One event, with what must become durable together with it. */
export interface Entry {
  /** JSON. Kept byte for byte; well-formed text without NUL. */
  readonly event: string;
  readonly documents?: readonly NewDocument[];
  readonly secrets?: readonly NewSecret[];
  /** The run is over with this event: it is marked so, and every secret that it still has is erased. */
  readonly ended?: boolean;
}

export interface StoredEvent {
  /** From 0, without gaps. */
  readonly seq: number;
  /** When it was appended, by the database's clock: ISO 8601, UTC. */
  readonly at: string;
  readonly event: string;
}

export interface StoredDocument extends NewDocument {
  /** The event that it was stored with. */
  readonly seq: number;
}

/**
 * Every method may reject with the codes of {@link StoreError} that begin with `STORE_`. Those that take a lease reject with
 * `LEASE_LOST` unless its token is the newest and was not released. An expired lease that nobody took over still counts:
 * the token, not a clock, decides who may write.
 */
export interface RunStore {
  /**
   * @param holder - a name that no other process has. The same name gets the lease again at once, with a new token, so a
   *   coordinator that was killed need not wait for its own expiry.
   * @param ttlMs - from now, by the database's clock.
   * @returns undefined while another holds it.
   */
  acquireLease(holder: string, ttlMs: number): Promise<Lease | undefined>;
  /** @returns false when it is lost; also then the holder must stop before its old expiry, not at this answer. */
  renewLease(lease: Lease, ttlMs: number): Promise<boolean>;
  /** Lets another acquire at once. Without effect on a lease that is lost. */
  releaseLease(lease: Lease): Promise<void>;

  /**
   * @param run.config - JSON of the signed envelope, kept byte for byte.
   * @throws StoreError `RUN_EXISTS`, but not when the very same run was created and has no event yet: then this is a retry.
   */
  createRun(
    lease: Lease,
    run: { readonly runId: string; readonly config: string; readonly createdAt: string },
  ): Promise<void>;
  /** In order of creation, newest last. */
  runs(): Promise<readonly RunRow[]>;
  config(runId: string): Promise<string | undefined>;

  /**
   * All or nothing, and durable when it resolves. When it rejects with a `STORE_` code, it may have been stored or not:
   * repeat it with the same arguments. A repeat that finds exactly these events at this place resolves and writes nothing.
   *
   * @param expectedSeq - the number of events so far, that is the `seq` of the first entry.
   * @param entries - at least one.
   * @throws StoreError `SEQUENCE_CONFLICT` when other events are there, or fewer than expected; `RUN_UNKNOWN`.
   */
  append(lease: Lease, runId: string, expectedSeq: number, entries: readonly Entry[]): Promise<void>;
  /**
   * Those that the run has when the iteration starts, in pages: about 1 MiB of events is in memory at a time.
   * @throws StoreError `RUN_UNKNOWN`; `STORE_CORRUPT` when one is missing.
   */
  events(runId: string, fromSeq?: number): AsyncIterable<StoredEvent>;

  document(runId: string, digest: string): Promise<string | undefined>;
  /** In the order of their events; in pages. */
  documents(runId: string, kind?: string): AsyncIterable<StoredDocument>;
  secret(runId: string, name: string): Promise<Uint8Array | undefined>;

  readonly blobs: BlobStore;
  /** Resolves when the store could write now. */
  health(): Promise<void>;
  /** Waits for what is under way. Every later call rejects with `STORE_UNAVAILABLE`. */
  close(): Promise<void>;
}

/**
 * Large encrypted vectors, under names such as `update/3/1/st-anna/<digest>`: at most 8 segments of letters, digits, `.`,
 * `_` and `-`, separated by `/`, none beginning with a `.`; anything else is a `RangeError`. A blob is bytes in the making
 * until `complete` resolves, and never changes afterwards.
 */
export interface BlobStore {
  /**
   * @param sizeBytes - at least 1. The caller bounds it: a sender's claim is not yet space on a disk.
   * @throws StoreError `BLOB_EXISTS` when it was begun with another size; `RUN_UNKNOWN`.
   */
  begin(lease: Lease, runId: string, name: string, sizeBytes: number): Promise<void>;
  /**
   * Bytes that are there already are not compared and not written again. Not durable before `complete`.
   * @returns the number of bytes received.
   * @throws StoreError `BLOB_GAP` when offset is past them, `BLOB_TOO_LARGE`, `BLOB_UNKNOWN`: nothing was written then.
   */
  append(lease: Lease, runId: string, name: string, offset: number, bytes: Uint8Array): Promise<number>;
  /** Where a sender may go on; undefined for a blob that was not begun. */
  received(runId: string, name: string): Promise<number | undefined>;
  /**
   * Durable when it resolves. A repeat resolves.
   * @throws StoreError `DIGEST_MISMATCH`: the bytes are discarded, unless the blob was complete before; `BLOB_GAP` while
   *   bytes are missing; `BLOB_UNKNOWN`.
   */
  complete(lease: Lease, runId: string, name: string, sha256Hex: string): Promise<void>;
  /**
   * @param length - at most 16 MiB, so that a sum is streamed.
   * @param room - of at least `length` bytes: where the answer may lie, for one who reads on and on. Nobody else's meanwhile.
   * @returns fewer bytes only at the end of the blob.
   * @throws StoreError `BLOB_UNKNOWN` unless it is complete.
   */
  read(runId: string, name: string, offset: number, length: number, room?: Uint8Array): Promise<Uint8Array>;
  /** Of a complete blob; undefined for any other. */
  size(runId: string, name: string): Promise<number | undefined>;
  /** @param prefix - whole segments: `update/3` removes `update/3` and `update/3/...`, not `update/31`; '' removes all. */
  remove(lease: Lease, runId: string, prefix: string): Promise<void>;
}
