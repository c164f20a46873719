/** The port over a relational database: the same statements for both dialects, so that one cannot promise less. */
import type { SqlBlobStore } from './blobs.js';
import { bytes, count, text, type Database, type Row } from './database.js';
import { StoreError } from './errors.js';
import { acquireLease, fence, releaseLease, renewLease } from './lease.js';
import { appendEntries, checkEntries } from './log.js';
import { checkRunId, checkText } from './names.js';
import { pages } from './pages.js';
import type { Entry, Lease, RunRow, RunStore, StoredDocument, StoredEvent } from './run-store.js';

export class SqlRunStore implements RunStore {
  /** @param leases - where the lease is asked for and renewed: apart from the rest, so that it need not wait for it. */
  constructor(
    private readonly database: Database,
    readonly blobs: SqlBlobStore,
    private readonly leases: Database = database,
  ) {}

  async acquireLease(holder: string, ttlMs: number): Promise<Lease | undefined> {
    checkText(holder);
    return acquireLease(this.leases, holder, ttlMs);
  }

  async renewLease(lease: Lease, ttlMs: number): Promise<boolean> {
    return renewLease(this.leases, lease, ttlMs);
  }

  async releaseLease(lease: Lease): Promise<void> {
    return releaseLease(this.leases, lease);
  }

  async createRun(
    lease: Lease,
    { runId, config, createdAt }: { readonly runId: string; readonly config: string; readonly createdAt: string },
  ): Promise<void> {
    checkRunId(runId);
    [config, createdAt].forEach(checkText);
    await this.database.transaction(async (query) => {
      await fence(query, this.database.dialect, lease);
      const created = await query(
        `INSERT INTO run (run_id, config, created_at, ordinal)
         VALUES ($1, $2, $3, (SELECT coalesce(max(ordinal), 0) + 1 FROM run))
         ON CONFLICT (run_id) DO NOTHING RETURNING run_id`,
        [runId, config, createdAt],
      );
      if (created.length === 1) return;
      const same = await query(
        'SELECT run_id FROM run WHERE run_id = $1 AND config = $2 AND created_at = $3 AND events = 0',
        [runId, config, createdAt],
      );
      if (same.length === 0) throw new StoreError('RUN_EXISTS', 'a run of this id exists');
    });
  }

  async runs(): Promise<readonly RunRow[]> {
    const rows = await this.database.read('SELECT run_id, created_at, ended, events FROM run ORDER BY ordinal, run_id');
    return rows.map((row) => ({
      runId: text(row, 'run_id'),
      createdAt: text(row, 'created_at'),
      ended: count(row, 'ended') === 1,
      events: count(row, 'events'),
    }));
  }

  async config(runId: string): Promise<string | undefined> {
    const [row] = await this.database.read('SELECT config FROM run WHERE run_id = $1', [runId]);
    return row && text(row, 'config');
  }

  async append(lease: Lease, runId: string, expectedSeq: number, entries: readonly Entry[]): Promise<void> {
    checkEntries(expectedSeq, entries);
    const erased = await this.database.transaction((query) =>
      appendEntries(query, this.database.dialect, lease, runId, expectedSeq, entries),
    );
    // Durable here. A crash before the scrub leaves traces of ciphertext in a log file until the next scrub or opening.
    if (erased) await this.database.scrub();
  }

  async *events(runId: string, fromSeq = 0): AsyncGenerator<StoredEvent> {
    const [run] = await this.database.read('SELECT events FROM run WHERE run_id = $1', [runId]);
    if (run === undefined) throw new StoreError('RUN_UNKNOWN', 'no such run');
    const end = count(run, 'events');
    let next = fromSeq;
    // A range rather than LIMIT: sequence numbers have no gaps, and no plan of the database's can make a range slow.
    const fetch = (after: Row | undefined, limit: number): Promise<Row[]> => {
      const first = after === undefined ? fromSeq : count(after, 'seq') + 1;
      return this.database.read(
        'SELECT seq, at_ms, event FROM event WHERE run_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq',
        [runId, first, Math.min(first + limit, end)],
      );
    };
    for await (const row of pages(fetch, (sized) => text(sized, 'event').length)) {
      const seq = count(row, 'seq');
      if (seq !== next) throw missing(next);
      next++;
      yield { seq, at: new Date(count(row, 'at_ms')).toISOString(), event: text(row, 'event') };
    }
    // Also a log that lost its last events must not look like a shorter one.
    if (next < end) throw missing(next);
  }

  async document(runId: string, digest: string): Promise<string | undefined> {
    const [row] = await this.database.read('SELECT body FROM document WHERE run_id = $1 AND digest = $2', [
      runId,
      digest,
    ]);
    return row && text(row, 'body');
  }

  async *documents(runId: string, kind?: string): AsyncGenerator<StoredDocument> {
    const fetch = (after: Row | undefined, limit: number): Promise<Row[]> =>
      this.database.read(
        `SELECT seq, position, digest, kind, body FROM document
         WHERE run_id = $1 AND (seq, position) > ($2, $3) ${kind === undefined ? '' : 'AND kind = $5'}
         ORDER BY seq, position LIMIT $4`,
        [
          runId,
          after === undefined ? -1 : count(after, 'seq'),
          after === undefined ? -1 : count(after, 'position'),
          limit,
          ...(kind === undefined ? [] : [kind]),
        ],
      );
    for await (const row of pages(fetch, (sized) => text(sized, 'body').length)) {
      yield { seq: count(row, 'seq'), digest: text(row, 'digest'), kind: text(row, 'kind'), body: text(row, 'body') };
    }
  }

  async secret(runId: string, name: string): Promise<Uint8Array | undefined> {
    const [row] = await this.database.read('SELECT value FROM secret WHERE run_id = $1 AND name = $2', [runId, name]);
    return row && bytes(row, 'value');
  }

  async health(): Promise<void> {
    // Matches no row and so writes nothing, but a database that is read-only refuses it.
    await this.database.transaction((query) => query('UPDATE lease SET token = token WHERE id = 0'));
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.leases.close();
    await this.blobs.close();
  }
}

const missing = (seq: number): StoreError => new StoreError('STORE_CORRUPT', `event ${seq} is missing from its run`);
