/**
 * Blobs: who may write them, how far they have come, when they count. The row decides: bytes without a row that says
 * `sha256` are bytes in the making, whatever a crash has left of them.
 */
import { createHash, randomUUID } from 'node:crypto';
import { count, text, type Database, type Query, type Row } from './database.js';
import { StoreError } from './errors.js';
import { fence } from './lease.js';
import { checkBlobName, checkRunId } from './names.js';
import type { BlobStore, Lease } from './run-store.js';
import { RunningDigests } from './running-digests.js';

export const MAX_READ_BYTES = 16 << 20;
const HASHED_BYTES = 1 << 20;

/** Where the bytes lie. A content id belongs to one `begin` for ever: begun again, a name gets another. */
export interface BlobContents {
  /** @param known - what this process has written of it as its only writer; where others may write too, they are asked. */
  receivedBytes(query: Query, content: string, known?: number): Promise<number>;
  /** Within the transaction that has checked the lease. @param offset - `receivedBytes` of this content. */
  write(query: Query, content: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** @param out - where to. @returns its beginning: as many bytes as there are. */
  read(query: Query, content: string, offset: number, out: Uint8Array): Promise<Uint8Array>;
  /** Everything written is durable when it resolves; when it rejects, the bytes must be sent again. */
  sync(content: string): Promise<void>;
  /** After the rows of these are gone for good. */
  discard(contents: readonly string[]): Promise<void>;
  /** Lets go of what writing holds. Does not reject. */
  close(): Promise<void>;
}

interface Blob {
  readonly content: string;
  readonly sizeBytes: number;
  readonly sha256: string | undefined;
}

export class SqlBlobStore implements BlobStore {
  readonly #digests = new RunningDigests();

  constructor(
    private readonly database: Database,
    private readonly contents: BlobContents,
  ) {}

  async begin(lease: Lease, runId: string, name: string, sizeBytes: number): Promise<void> {
    checkKey(runId, name);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) throw new RangeError('sizeBytes is a positive whole number');
    await this.#write(lease, async (query) => {
      const runs = await query('SELECT run_id FROM run WHERE run_id = $1', [runId]);
      if (runs.length === 0) throw new StoreError('RUN_UNKNOWN', 'no such run');
      await query(
        `INSERT INTO blob (run_id, name, content, size_bytes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (run_id, name) DO NOTHING`,
        [runId, name, randomUUID(), sizeBytes],
      );
      const blob = await this.#find(query, runId, name);
      if (blob?.sizeBytes !== sizeBytes) throw new StoreError('BLOB_EXISTS', 'this blob was begun with another size');
    });
  }

  async append(lease: Lease, runId: string, name: string, offset: number, bytes: Uint8Array): Promise<number> {
    checkKey(runId, name);
    checkOffset(offset);
    let committed = (): void => undefined;
    const received = await this.#write(lease, async (query) => {
      const { content, sizeBytes, sha256 } = known(
        await this.#find(query, runId, name, this.database.dialect.updateLock),
      );
      const end = offset + bytes.length;
      if (end > sizeBytes)
        throw new StoreError('BLOB_TOO_LARGE', `more than the ${sizeBytes} bytes that were announced`);
      if (sha256 !== undefined) return sizeBytes;
      const received = await this.contents.receivedBytes(query, content, this.#digests.sizeOf(content, lease));
      if (offset > received) throw new StoreError('BLOB_GAP', `the blob goes on at byte ${received}`);
      if (end <= received) return received;
      const taken = bytes.subarray(received - offset);
      committed = await this.#digests.during(content, received, lease, taken, () =>
        this.contents.write(query, content, received, taken),
      );
      return end;
    });
    committed();
    return received;
  }

  async received(runId: string, name: string): Promise<number | undefined> {
    checkKey(runId, name);
    const blob = await this.#find(this.database.read, runId, name);
    if (blob === undefined || blob.sha256 !== undefined) return blob?.sizeBytes;
    return this.contents.receivedBytes(this.database.read, blob.content);
  }

  async complete(lease: Lease, runId: string, name: string, sha256Hex: string): Promise<void> {
    checkKey(runId, name);
    // The lease is checked before the work, so that a stale leader is told so, and again with the write that counts.
    await fence(this.database.read, this.database.dialect, lease);
    const blob = known(await this.#find(this.database.read, runId, name));
    if (blob.sha256 !== undefined) {
      if (blob.sha256 !== sha256Hex)
        throw new StoreError('DIGEST_MISMATCH', 'the blob is complete with another digest');
      return;
    }
    const received = await this.contents.receivedBytes(this.database.read, blob.content);
    if (received !== blob.sizeBytes) throw new StoreError('BLOB_GAP', `the blob goes on at byte ${received}`);
    const digest = this.#digests.of(blob.content, blob.sizeBytes, lease) ?? (await this.#digest(blob));
    if (digest !== sha256Hex) {
      await this.#removeRows(lease, 'run_id = $1 AND content = $2', [runId, blob.content]);
      throw new StoreError('DIGEST_MISMATCH', 'the bytes have another digest; they are discarded');
    }
    await this.contents.sync(blob.content).catch((error: unknown) => {
      this.#digests.forget([blob.content]);
      throw error;
    });
    // The bytes are durable here. A crash before the commit leaves a whole blob that is completed again.
    await this.#write(lease, async (query) => {
      const marked = await query('UPDATE blob SET sha256 = $2 WHERE content = $1 RETURNING content', [
        blob.content,
        sha256Hex,
      ]);
      if (marked.length === 0) throw unknown();
    });
    this.#digests.forget([blob.content]);
  }

  async read(runId: string, name: string, offset: number, length: number, room?: Uint8Array): Promise<Uint8Array> {
    checkKey(runId, name);
    checkOffset(offset);
    if (!Number.isSafeInteger(length) || length < 0 || length > MAX_READ_BYTES) {
      throw new RangeError(`a read is of 0 to ${MAX_READ_BYTES} bytes`);
    }
    if (room !== undefined && room.length < length) throw new RangeError('the room is smaller than what is to be read');
    const { content, sizeBytes, sha256 } = known(await this.#find(this.database.read, runId, name));
    if (sha256 === undefined) throw unknown();
    const wanted = Math.max(0, Math.min(length, sizeBytes - offset));
    const out = room?.subarray(0, wanted) ?? newArray(wanted);
    const bytes = await this.contents.read(this.database.read, content, offset, out);
    if (bytes.length !== wanted) throw new StoreError('STORE_CORRUPT', 'a complete blob has lost bytes');
    return bytes;
  }

  async close(): Promise<void> {
    await this.contents.close();
  }

  async size(runId: string, name: string): Promise<number | undefined> {
    checkKey(runId, name);
    const blob = await this.#find(this.database.read, runId, name);
    return blob?.sha256 === undefined ? undefined : blob.sizeBytes;
  }

  async remove(lease: Lease, runId: string, prefix: string): Promise<void> {
    const folder = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
    checkRunId(runId);
    if (folder === '') {
      await this.#removeRows(lease, 'run_id = $1', [runId]);
      return;
    }
    checkBlobName(folder);
    await this.#removeRows(lease, 'run_id = $1 AND (name = $2 OR substr(name, 1, $4) = $3)', [
      runId,
      folder,
      `${folder}/`,
      folder.length + 1,
    ]);
  }

  async #removeRows(lease: Lease, where: string, values: readonly (string | number)[]): Promise<void> {
    const rows = await this.#write(lease, (query) =>
      query(`DELETE FROM blob WHERE ${where} RETURNING content`, values),
    );
    this.#digests.forget(rows.map((row) => text(row, 'content')));
    // Unreachable here. A crash before the next line leaves bytes that the next opening clears away.
    await this.contents.discard(rows.map((row) => text(row, 'content')));
  }

  async #write<T>(lease: Lease, work: (query: Query) => Promise<T>): Promise<T> {
    return this.database.transaction(async (query) => {
      await fence(query, this.database.dialect, lease);
      return work(query);
    });
  }

  async #find(query: Query, runId: string, name: string, lock = ''): Promise<Blob | undefined> {
    const [row] = await query(`SELECT content, size_bytes, sha256 FROM blob WHERE run_id = $1 AND name = $2${lock}`, [
      runId,
      name,
    ]);
    return row && blobOf(row);
  }

  async #digest({ content, sizeBytes }: Blob): Promise<string> {
    const hash = createHash('sha256');
    const room = newArray(Math.min(HASHED_BYTES, sizeBytes));
    for (let offset = 0; offset < sizeBytes; offset += HASHED_BYTES) {
      const out = room.subarray(0, sizeBytes - offset);
      hash.update(await this.contents.read(this.database.read, content, offset, out));
    }
    return hash.digest('hex');
  }
}

/** Not filled with zeros: a read gives out what it has read and nothing else. */
const newArray = (length: number): Uint8Array => new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);

const blobOf = (row: Row): Blob => ({
  content: text(row, 'content'),
  sizeBytes: count(row, 'size_bytes'),
  sha256: row['sha256'] === null ? undefined : text(row, 'sha256'),
});

const unknown = (): StoreError => new StoreError('BLOB_UNKNOWN', 'no such blob');

function known(blob: Blob | undefined): Blob {
  if (blob === undefined) throw unknown();
  return blob;
}

function checkKey(runId: string, name: string): void {
  checkRunId(runId);
  checkBlobName(name);
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError('an offset is a count of bytes');
}
