/**
 * The port of a store over plain maps: what a database would keep is one value that any number of openers share, so that a
 * simulation can end a process and open the same store again. `tests/stores` holds it to the conformance suite.
 */
import { createHash } from 'node:crypto';
import {
  StoreError,
  type BlobStore,
  type Entry,
  type Lease,
  type RunRow,
  type RunStore,
  type StoredDocument,
  type StoredEvent,
} from '@consilium/store';

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const MAX_READ_BYTES = 16 << 20;

interface StoredBlob {
  readonly sizeBytes: number;
  bytes: Uint8Array;
  complete: string | undefined;
}

interface StoredRun {
  readonly config: string;
  readonly createdAt: string;
  ended: boolean;
  readonly events: StoredEvent[];
  readonly documents: Map<string, StoredDocument>;
  readonly secrets: Map<string, Uint8Array>;
  readonly blobs: Map<string, StoredBlob>;
}

/** What is on the disk. */
export class MemoryDatabase {
  readonly runs = new Map<string, StoredRun>();
  lease: { holder: string; token: number; expiresMs: number } | undefined;

  /** @param nowMs - the database's clock, milliseconds since 1970. */
  constructor(readonly nowMs: () => number = Date.now) {}

  open(): RunStore {
    return new MemoryStore(this);
  }

  /** As after a loss of power: of a blob that was never completed, any beginning may be left. */
  losePower(keptShare: () => number): void {
    for (const { blobs } of this.runs.values()) {
      for (const blob of blobs.values()) {
        if (blob.complete !== undefined) continue;
        blob.bytes = blob.bytes.slice(0, Math.floor(keptShare() * (blob.bytes.length + 1)));
      }
    }
  }

  /** @throws StoreError `LEASE_LOST`. */
  fence({ holder, token }: Lease): void {
    if (this.lease?.token === token && this.lease.holder === holder) return;
    throw new StoreError('LEASE_LOST', 'another coordinator leads');
  }

  /** @throws StoreError `RUN_UNKNOWN`. */
  run(runId: string): StoredRun {
    const run = this.runs.get(checkedRunId(runId));
    if (run === undefined) throw new StoreError('RUN_UNKNOWN', 'there is no such run');
    return run;
  }
}

class MemoryStore implements RunStore {
  readonly blobs: BlobStore;
  #closed = false;

  constructor(private readonly database: MemoryDatabase) {
    this.blobs = new MemoryBlobs(database, (work) => this.#while(work));
  }

  acquireLease(holder: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#while(() => {
      const { database } = this;
      const now = database.nowMs();
      const { lease } = database;
      if (lease !== undefined && lease.expiresMs > now && lease.holder !== holder) return undefined;
      const token = (lease?.token ?? 0) + 1;
      database.lease = { holder, token, expiresMs: now + ttlMs };
      return { holder, token };
    });
  }

  renewLease(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.#while(() => {
      const current = this.database.lease;
      if (current?.token !== lease.token || current.holder !== lease.holder) return false;
      current.expiresMs = this.database.nowMs() + ttlMs;
      return true;
    });
  }

  releaseLease(lease: Lease): Promise<void> {
    return this.#while(() => {
      const current = this.database.lease;
      // The token grows on, so that what the old holder still writes is refused.
      if (current?.token !== lease.token || current.holder !== lease.holder) return;
      this.database.lease = { holder: '', token: lease.token, expiresMs: 0 };
    });
  }

  createRun(
    lease: Lease,
    { runId, config, createdAt }: { readonly runId: string; readonly config: string; readonly createdAt: string },
  ): Promise<void> {
    return this.#while(() => {
      [config, createdAt].forEach(checkText);
      this.database.fence(lease);
      const known = this.database.runs.get(checkedRunId(runId));
      const isRetry = known?.config === config && known.createdAt === createdAt && known.events.length === 0;
      if (known !== undefined && !isRetry) throw new StoreError('RUN_EXISTS', 'a run of this name exists');
      if (known !== undefined) return;
      const empty = { ended: false, events: [], documents: new Map(), secrets: new Map(), blobs: new Map() };
      this.database.runs.set(runId, { config, createdAt, ...empty });
    });
  }

  runs(): Promise<readonly RunRow[]> {
    return this.#while(() =>
      [...this.database.runs].map(([runId, { createdAt, ended, events }]) => ({
        ...{ runId, createdAt, ended },
        events: events.length,
      })),
    );
  }

  config(runId: string): Promise<string | undefined> {
    return this.#while(() => this.database.runs.get(checkedRunId(runId))?.config);
  }

  append(lease: Lease, runId: string, expectedSeq: number, entries: readonly Entry[]): Promise<void> {
    return this.#while(() => {
      checkEntries(expectedSeq, entries);
      this.database.fence(lease);
      const run = this.database.run(runId);
      if (run.events.length !== expectedSeq) {
        const there = run.events.slice(expectedSeq, expectedSeq + entries.length);
        const isRepeat = there.length === entries.length && entries.every(({ event }, i) => there[i]?.event === event);
        if (isRepeat) return;
        throw new StoreError('SEQUENCE_CONFLICT', `the run has ${run.events.length} events, not ${expectedSeq}`);
      }
      const at = new Date(this.database.nowMs()).toISOString();
      for (const { event, documents = [], secrets = [], ended = false } of entries) {
        const seq = run.events.length;
        run.events.push({ seq, at, event });
        for (const document of documents) {
          if (!run.documents.has(document.digest)) run.documents.set(document.digest, { ...document, seq });
        }
        for (const { name, value } of secrets) {
          if (value === undefined) run.secrets.delete(name);
          else run.secrets.set(name, Uint8Array.from(value));
        }
        if (!ended) continue;
        run.ended = true;
        run.secrets.clear();
      }
    });
  }

  async *events(runId: string, fromSeq = 0): AsyncIterable<StoredEvent> {
    yield* await this.#while(() => this.database.run(runId).events.slice(fromSeq));
  }

  document(runId: string, digest: string): Promise<string | undefined> {
    return this.#while(() => this.database.runs.get(checkedRunId(runId))?.documents.get(digest)?.body);
  }

  async *documents(runId: string, kind?: string): AsyncIterable<StoredDocument> {
    const documents = await this.#while(() => [...this.database.run(runId).documents.values()]);
    yield* documents.filter((document) => kind === undefined || document.kind === kind);
  }

  secret(runId: string, name: string): Promise<Uint8Array | undefined> {
    return this.#while(() => this.database.runs.get(checkedRunId(runId))?.secrets.get(name)?.slice());
  }

  health(): Promise<void> {
    return this.#while(() => undefined);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** One call, at one instant. */
  async #while<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.#closed) throw new StoreError('STORE_UNAVAILABLE', 'this store is closed');
    return work();
  }
}

class MemoryBlobs implements BlobStore {
  constructor(
    private readonly database: MemoryDatabase,
    private readonly during: <T>(work: () => T) => Promise<T>,
  ) {}

  begin(lease: Lease, runId: string, name: string, sizeBytes: number): Promise<void> {
    return this.during(() => {
      checkBlobName(name);
      if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1)
        throw new RangeError('sizeBytes is a positive whole number');
      this.database.fence(lease);
      const { blobs } = this.database.run(runId);
      const known = blobs.get(name);
      if (known === undefined) blobs.set(name, { sizeBytes, bytes: new Uint8Array(), complete: undefined });
      else if (known.sizeBytes !== sizeBytes)
        throw new StoreError('BLOB_EXISTS', 'this blob was begun with another size');
    });
  }

  append(lease: Lease, runId: string, name: string, offset: number, bytes: Uint8Array): Promise<number> {
    return this.during(() => {
      this.database.fence(lease);
      const blob = this.#known(runId, name);
      const end = offset + bytes.length;
      if (end > blob.sizeBytes) throw new StoreError('BLOB_TOO_LARGE', 'more bytes than were announced');
      const received = blob.bytes.length;
      if (blob.complete !== undefined || end <= received) return received;
      if (offset > received) throw new StoreError('BLOB_GAP', `the blob goes on at byte ${received}`);
      blob.bytes = Uint8Array.from(Buffer.concat([blob.bytes, bytes.subarray(received - offset)]));
      return end;
    });
  }

  received(runId: string, name: string): Promise<number | undefined> {
    return this.during(() => this.#find(runId, name)?.bytes.length);
  }

  complete(lease: Lease, runId: string, name: string, sha256Hex: string): Promise<void> {
    return this.during(() => {
      this.database.fence(lease);
      const blob = this.#known(runId, name);
      if (blob.bytes.length < blob.sizeBytes) {
        throw new StoreError('BLOB_GAP', `the blob goes on at byte ${blob.bytes.length}`);
      }
      if (createHash('sha256').update(blob.bytes).digest('hex') !== sha256Hex) {
        if (blob.complete === undefined) this.database.run(runId).blobs.delete(name);
        throw new StoreError('DIGEST_MISMATCH', 'the bytes have another digest');
      }
      blob.complete = sha256Hex;
    });
  }

  read(runId: string, name: string, offset: number, length: number, room?: Uint8Array): Promise<Uint8Array> {
    return this.during(() => {
      checkBlobName(name);
      if (!Number.isSafeInteger(length) || length < 0 || length > MAX_READ_BYTES) {
        throw new RangeError(`a read is of 0 to ${MAX_READ_BYTES} bytes`);
      }
      const blob = this.#known(runId, name);
      if (blob.complete === undefined) throw new StoreError('BLOB_UNKNOWN', 'the blob is not complete');
      if (room !== undefined && room.length < length) throw new RangeError('the room is too small');
      return blob.bytes.slice(offset, offset + length);
    });
  }

  size(runId: string, name: string): Promise<number | undefined> {
    return this.during(() => {
      const blob = this.#find(runId, name);
      return blob?.complete === undefined ? undefined : blob.sizeBytes;
    });
  }

  remove(lease: Lease, runId: string, prefix: string): Promise<void> {
    return this.during(() => {
      const folder = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
      if (folder !== '') checkBlobName(folder);
      this.database.fence(lease);
      const blobs = this.database.runs.get(checkedRunId(runId))?.blobs;
      for (const name of blobs?.keys() ?? []) {
        if (folder === '' || name === folder || name.startsWith(`${folder}/`)) blobs?.delete(name);
      }
    });
  }

  #find(runId: string, name: string): StoredBlob | undefined {
    checkBlobName(name);
    return this.database.runs.get(checkedRunId(runId))?.blobs.get(name);
  }

  #known(runId: string, name: string): StoredBlob {
    const blob = this.#find(runId, name);
    if (blob === undefined) throw new StoreError('BLOB_UNKNOWN', 'there is no such blob');
    return blob;
  }
}

function checkedRunId(runId: string): string {
  if (!SEGMENT.test(runId)) throw new RangeError('a run id is 1 to 128 letters, digits, ".", "_" and "-"');
  return runId;
}

function checkBlobName(name: string): void {
  const segments = name.split('/');
  if (segments.length > 8 || !segments.every((segment) => SEGMENT.test(segment))) {
    throw new RangeError('a blob name is 1 to 8 segments, separated by "/"');
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed() || text.includes('\0')) throw new RangeError('text must be well-formed and without NUL');
}

function checkEntries(expectedSeq: number, entries: readonly Entry[]): void {
  if (!Number.isSafeInteger(expectedSeq) || expectedSeq < 0) throw new RangeError('expectedSeq is a count');
  if (entries.length === 0) throw new RangeError('an append has at least one entry');
  for (const { event, documents = [], secrets = [] } of entries) {
    checkText(event);
    for (const { digest, kind, body } of documents) [digest, kind, body].forEach(checkText);
    for (const { name } of secrets) checkText(name);
  }
}
