/** What the store asks of a relational database, and the little in which the two differ. */
import { StoreError } from './errors.js';

export type SqlValue = string | number | Uint8Array | null;
export type Row = Readonly<Record<string, unknown>>;
/** @param sql - one statement; `$1` is `values[0]`. A statement that returns no rows gives an empty list. */
export type Query = (sql: string, values?: readonly SqlValue[]) => Promise<Row[]>;

export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  readonly integer: string;
  readonly bytes: string;
  /** Milliseconds since 1970 by the database's clock, at the moment of evaluation. */
  readonly nowMs: string;
  /** Behind a SELECT: nobody may change a key of these rows, or delete them, until the transaction ends. */
  readonly shareLock: string;
  /** Behind a SELECT: nobody may change or lock these rows until the transaction ends. */
  readonly updateLock: string;
  /** Serialises the first opening of an empty database, which has no row to lock yet. */
  readonly migrationLock: string | undefined;
}

export interface Database {
  readonly dialect: Dialect;
  /** One statement that reads. */
  readonly read: Query;
  /**
   * Everything or nothing, and durable when it resolves. When it rejects with a `STORE_` code, a commit may have happened.
   * Rejects with what `work` throws, after undoing it.
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** Overwrites, as far as the database can, what was deleted. Never rejects: what could not be done is tried again later. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}

const corrupt = (column: string): StoreError =>
  new StoreError('STORE_CORRUPT', `the column ${column} has a value of another type`);

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw corrupt(column);
  return value;
}

/** A whole number. node-postgres gives 64-bit columns as text. */
export function count(row: Row, column: string): number {
  const value = row[column];
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw corrupt(column);
  return number;
}

export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Uint8Array) return value;
  throw corrupt(column);
}
