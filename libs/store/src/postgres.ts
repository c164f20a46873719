/**
 * PostgreSQL through node-postgres. A bounded pool; a connection on which anything is in doubt is thrown away, so that a
 * restart of the server costs the calls under way and nothing later.
 */
import pg from 'pg';
import type { Database, Dialect, Query, Row, SqlValue } from './database.js';
import { StoreError } from './errors.js';

const DIALECT: Dialect = {
  name: 'postgres',
  integer: 'BIGINT',
  bytes: 'BYTEA',
  nowMs: 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)',
  shareLock: ' FOR KEY SHARE',
  updateLock: ' FOR UPDATE',
  // "consiliu" in ASCII: a number that other users of the server are unlikely to lock.
  migrationLock: 'SELECT pg_advisory_xact_lock(7165066974138755445)',
};

export interface PostgresOptions {
  /** Connections at most. */
  readonly connections?: number;
  /** For a free and open connection. */
  readonly connectTimeoutMs?: number;
  /** For one statement; also how long a transaction that lost its client holds its locks. */
  readonly statementTimeoutMs?: number;
}

export class PostgresDatabase implements Database {
  readonly dialect = DIALECT;
  readonly #pool: pg.Pool;
  #closed = false;

  constructor(
    url: string,
    { connections = 8, connectTimeoutMs = 5_000, statementTimeoutMs = 15_000 }: PostgresOptions = {},
  ) {
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: 'consilium-coordinator',
      max: connections,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      // Later than the server's own limit: this one is for a server that says nothing any more.
      query_timeout: statementTimeoutMs + 2_000,
      keepAlive: true,
    });
    // An idle connection that breaks leaves the pool by itself; unheard, its error would end the process.
    this.#pool.on('error', () => undefined);
  }

  readonly read: Query = (sql, values) => this.#connected((client) => run(client, sql, values));

  readonly transaction = <T>(work: (query: Query) => Promise<T>): Promise<T> =>
    this.#connected(async (client) => {
      // A server may be set to acknowledge before its disk does; here it may not. Writers meet on rows that they lock.
      await client.query('BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on');
      const result = await work((sql, values) => run(client, sql, values));
      const { command } = await client.query('COMMIT');
      // PostgreSQL answers the COMMIT of a failed transaction with success, and with this word.
      if (command !== 'COMMIT') throw new StoreError('STORE_UNAVAILABLE', 'the database rolled the transaction back');
      return result;
    });

  /** Nothing to do from here: dead rows go with the server's own vacuum, and its log and backups keep them longer. */
  scrub(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.end();
  }

  async #connected<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreError('STORE_UNAVAILABLE', 'the store is closed');
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw asOurError(error) ?? new StoreError('STORE_UNAVAILABLE', 'no connection to the database');
    });
    const ignore = (): void => undefined;
    // Between two statements a broken connection speaks through this event; the next statement fails anyway.
    client.on('error', ignore);
    let doubtful = true;
    try {
      const result = await work(client);
      doubtful = false;
      return result;
    } catch (error) {
      doubtful = !(await rolledBack(client, error));
      throw asOurError(error) ?? error;
    } finally {
      client.off('error', ignore);
      client.release(doubtful);
    }
  }
}

async function run(client: pg.PoolClient, sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
  const { rows } = await client.query<Row>(sql, [...values]);
  return rows;
}

/** @returns whether the connection is as good as new. One on which a statement timed out here still waits for its answer. */
async function rolledBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  const usable =
    error instanceof StoreError || error instanceof TypeError || error instanceof RangeError || isRefusal(error);
  if (!usable) return false;
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

/** The server refused one statement and keeps the connection; a FATAL one ends it. */
const isRefusal = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError && error.severity === 'ERROR';

/** @returns undefined for what came from no database: it passes as it is. */
function asOurError(error: unknown): Error | undefined {
  if (error instanceof StoreError) return error;
  if (error instanceof TypeError || error instanceof RangeError) return undefined;
  if (!(error instanceof pg.DatabaseError)) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
    return new StoreError('STORE_UNAVAILABLE', `the connection to the database failed: ${code}`);
  }
  const state = error.code ?? '';
  const of = (code: StoreError['code']): StoreError => new StoreError(code, `the database said ${state}`);
  if (state === '53100') return of('STORE_FULL');
  if (state === '25006' || state === '42501') return of('STORE_READ_ONLY');
  // XX001 and XX002: damaged data or index. 58P01: a file of a table is gone.
  if (state === 'XX001' || state === 'XX002' || state === '58P01') return of('STORE_CORRUPT');
  // Connection, roll-back (deadlock), authorisation, database name, resources, intervention, input and output.
  if (/^(08|40|28|3D|53|55|57|58)/.test(state)) return of('STORE_UNAVAILABLE');
  // Anything else is a bug of ours, and its own text may quote a row.
  return new Error(`the database refused a statement: ${state}`);
}
