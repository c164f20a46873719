/**
 * SQLite in this process, through libsql. One connection; transactions and reads take turns on it, so that none sees
 * another's uncommitted rows. Several processes may open one file: SQLite's own lock lets one of them write at a time.
 */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import Libsql from 'libsql';
import type { Database, Dialect, Query, Row, SqlValue } from './database.js';
import { StoreError } from './errors.js';
import { fileError } from './file-error.js';

const DIALECT: Dialect = {
  name: 'sqlite',
  integer: 'INTEGER',
  bytes: 'BLOB',
  nowMs: `CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
  // BEGIN IMMEDIATE locks the whole database against other writers already.
  shareLock: '',
  updateLock: '',
  migrationLock: undefined,
};

/** SQLite's own wait blocks the event loop: it covers another process's commit, and the rest is waited for outside. */
const BLOCKING_WAIT_MS = 20;
const MAX_WAIT_MS = 5_000;

export class SqliteDatabase implements Database {
  readonly dialect = DIALECT;
  readonly #connection: Libsql.Database;
  readonly #statements = new Map<string, Libsql.Statement>();
  readonly #file: string;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(file: string) {
    this.#file = file;
    this.#connection = new Libsql(file);
  }

  /** @throws {@link StoreError} `STORE_CORRUPT` when the file is no database, and as every call. */
  static async open(file: string): Promise<SqliteDatabase> {
    try {
      const database = new SqliteDatabase(file);
      await database.#patiently(() => {
        // FULL: a commit returns after the fsync of the write-ahead log.
        for (const setting of ['journal_mode = WAL', 'synchronous = FULL', 'secure_delete = ON', 'foreign_keys = ON']) {
          database.#connection.pragma(setting);
        }
        database.#connection.pragma(`busy_timeout = ${BLOCKING_WAIT_MS}`);
      });
      await database.scrub();
      return database;
    } catch (error) {
      throw asStoreError(error, file);
    }
  }

  readonly read: Query = (sql, values) => this.#inTurn(() => this.#patiently(() => this.#run(sql, values)));

  readonly transaction = <T>(work: (query: Query) => Promise<T>): Promise<T> =>
    this.#inTurn(async () => {
      // IMMEDIATE takes the only write lock at once, so nothing later in the transaction can be refused as busy.
      await this.#patiently(() => {
        this.#connection.exec('BEGIN IMMEDIATE');
      });
      try {
        const result = await work((sql, values) => Promise.resolve().then(() => this.#run(sql, values)));
        this.#connection.exec('COMMIT');
        return result;
      } finally {
        // After a full disk SQLite has rolled back by itself.
        if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
      }
    });

  /** secure_delete zeroes the pages of the database; what the write-ahead log still holds of them goes with its truncation. */
  async scrub(): Promise<void> {
    await this.#inTurn(() => Promise.resolve(this.#connection.pragma('wal_checkpoint(TRUNCATE)'))).catch(
      () => undefined,
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.scrub();
    await this.#inTurn(() => {
      this.#closed = true;
      this.#statements.clear();
      this.#connection.close();
      return Promise.resolve();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      if (this.#closed) throw new StoreError('STORE_UNAVAILABLE', 'the store is closed');
      try {
        return await work();
      } catch (error) {
        throw asStoreError(error, this.#file);
      }
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #run(sql: string, values: readonly SqlValue[] = []): Row[] {
    // SQLite spells a numbered parameter ?1; no statement of ours has another dollar sign.
    const statement = this.#statements.get(sql) ?? this.#connection.prepare(sql.replaceAll('$', '?'));
    this.#statements.set(sql, statement);
    if (statement.reader) return statement.all([...values]) as Row[];
    statement.run([...values]);
    return [];
  }

  /** Waits for another process, or another opener in this one, without blocking the event loop. */
  async #patiently<T>(attempt: () => T): Promise<T> {
    const giveUpMs = performance.now() + MAX_WAIT_MS;
    for (;;) {
      try {
        return attempt();
      } catch (error) {
        if (!codeOf(error).startsWith('SQLITE_BUSY') || performance.now() > giveUpMs) throw error;
      }
      await setTimeout(5);
    }
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** @returns what is no fault of the database unchanged: a bug of ours must not look like an outage. */
function asStoreError(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (error instanceof StoreError || !code.startsWith('SQLITE_')) return error;
  const of = (kind: StoreError['code']): StoreError => new StoreError(kind, `the database said ${code}`);
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') return of('STORE_FULL');
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return of('STORE_CORRUPT');
  if (code.startsWith('SQLITE_READONLY')) return of('STORE_READ_ONLY');
  if (/^SQLITE_(IOERR|CANTOPEN|BUSY|LOCKED|NOMEM|PERM|PROTOCOL)/.test(code)) {
    return cannotWrite(file) ? of('STORE_READ_ONLY') : of('STORE_UNAVAILABLE');
  }
  return error;
}

/** A file system that turned read-only shows as an input or output error. */
function cannotWrite(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK);
    return false;
  } catch (error) {
    return fileError(error).code === 'STORE_READ_ONLY';
  }
}
