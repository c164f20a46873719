/**
 * The tables, as the list of steps that led to them. A step that was ever released never changes; the next idea is the next
 * step. Both dialects take the same steps, so one test of each step on each dialect covers every way forward.
 */
import { count, type Database, type Dialect, type Query } from './database.js';
import { StoreError } from './errors.js';

type Step = (dialect: Dialect) => readonly string[];

/** The log alone: leadership, runs, their events and their signed documents. */
const log: Step = ({ integer }) => [
  // UNIQUE makes the token a key: PostgreSQL lets renewals pass a key-share lock, and makes take-overs wait for it.
  `CREATE TABLE lease (
     id ${integer} PRIMARY KEY CHECK (id = 1),
     holder TEXT,
     token ${integer} NOT NULL UNIQUE,
     expires_ms ${integer} NOT NULL
   )`,
  `CREATE TABLE run (
     run_id TEXT PRIMARY KEY,
     config TEXT NOT NULL,
     created_at TEXT NOT NULL,
     ended ${integer} NOT NULL DEFAULT 0
   )`,
  `CREATE TABLE event (
     run_id TEXT NOT NULL REFERENCES run (run_id),
     seq ${integer} NOT NULL,
     at_ms ${integer} NOT NULL,
     event TEXT NOT NULL,
     PRIMARY KEY (run_id, seq)
   )`,
  `CREATE TABLE document (
     run_id TEXT NOT NULL REFERENCES run (run_id),
     digest TEXT NOT NULL,
     seq ${integer} NOT NULL,
     position ${integer} NOT NULL,
     kind TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (run_id, digest)
   )`,
];

/**
 * Round keys and blobs; and two numbers in `run` that version 1 counted anew each time: the events, so that an append is
 * one compare-and-set on one row, and the order of creation, which a text given by the caller does not promise.
 */
const secretsAndBlobs: Step = ({ name, integer, bytes }) => [
  `ALTER TABLE run ADD COLUMN events ${integer} NOT NULL DEFAULT 0`,
  `ALTER TABLE run ADD COLUMN ordinal ${integer} NOT NULL DEFAULT 0`,
  `UPDATE run SET
     events = (SELECT count(*) FROM event WHERE event.run_id = run.run_id),
     ordinal = (SELECT count(*) FROM run AS older WHERE older.created_at < run.created_at
       OR (older.created_at = run.created_at AND older.run_id <= run.run_id))`,
  `CREATE UNIQUE INDEX document_order ON document (run_id, seq, position)`,
  `CREATE TABLE secret (
     run_id TEXT NOT NULL REFERENCES run (run_id),
     name TEXT NOT NULL,
     value ${bytes} NOT NULL,
     PRIMARY KEY (run_id, name)
   )`,
  `CREATE TABLE blob (
     run_id TEXT NOT NULL REFERENCES run (run_id),
     name TEXT NOT NULL,
     content TEXT NOT NULL UNIQUE,
     size_bytes ${integer} NOT NULL,
     sha256 TEXT,
     PRIMARY KEY (run_id, name)
   )`,
  // The embedded store keeps these bytes in files.
  ...(name === 'postgres'
    ? [
        `CREATE TABLE blob_piece (
           content TEXT NOT NULL REFERENCES blob (content) ON DELETE CASCADE,
           first_byte ${integer} NOT NULL,
           size_bytes ${integer} NOT NULL,
           bytes ${bytes} NOT NULL,
           PRIMARY KEY (content, first_byte)
         )`,
        // Ciphertext does not get smaller, so no time is spent on trying.
        `ALTER TABLE blob_piece ALTER COLUMN bytes SET STORAGE EXTERNAL`,
      ]
    : []),
];

export const STEPS: readonly Step[] = [log, secretsAndBlobs];

/** @throws {@link StoreError} `SCHEMA_TOO_NEW`. */
export function checkVersion(version: number): void {
  if (version > STEPS.length) {
    throw new StoreError('SCHEMA_TOO_NEW', `the store has schema ${version}, this program knows ${STEPS.length}`);
  }
}

/** Brings a database of any earlier version, or an empty one, to `steps.length`: in one transaction, or not at all. */
export async function migrate(
  { dialect, transaction }: Pick<Database, 'dialect' | 'transaction'>,
  steps = STEPS,
): Promise<void> {
  await transaction(async (query) => {
    if (dialect.migrationLock !== undefined) await query(dialect.migrationLock);
    await query(`CREATE TABLE IF NOT EXISTS schema_version (version ${dialect.integer} NOT NULL)`);
    // A writer of an older program holds this row shared until it has committed: see `fence`.
    const version = await storedVersion(query, dialect.updateLock);
    checkVersion(version ?? 0);
    if (version === steps.length) return;
    for (const step of steps.slice(version ?? 0)) for (const statement of step(dialect)) await query(statement);
    const write =
      version === undefined
        ? 'INSERT INTO schema_version (version) VALUES ($1)'
        : 'UPDATE schema_version SET version = $1';
    await query(write, [steps.length]);
  });
}

/** @returns undefined in a database that was empty until now. */
async function storedVersion(query: Query, lock: string): Promise<number | undefined> {
  const [row] = await query(`SELECT version FROM schema_version${lock}`);
  return row === undefined ? undefined : count(row, 'version');
}
