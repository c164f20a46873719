/** Appending to a run's log: the decision, its documents and its keys become durable together, once. */
import { count, text, type Dialect, type Query, type SqlValue } from './database.js';
import { StoreError } from './errors.js';
import { fence } from './lease.js';
import { checkText } from './names.js';
import type { Entry, Lease, NewSecret } from './run-store.js';

/** Rows of one INSERT: enough to hide the round trip, few enough for SQLite's limit of 32,766 parameters. */
const ROWS_PER_INSERT = 64;

/** @throws RangeError before anything is asked of the database. */
export function checkEntries(expectedSeq: number, entries: readonly Entry[]): void {
  if (!Number.isSafeInteger(expectedSeq) || expectedSeq < 0) throw new RangeError('expectedSeq is a count');
  if (entries.length === 0) throw new RangeError('an append has at least one entry');
  for (const { event, documents = [], secrets = [] } of entries) {
    checkText(event);
    for (const { digest, kind, body } of documents) [digest, kind, body].forEach(checkText);
    for (const { name } of secrets) checkText(name);
  }
}

/** @returns whether a secret was deleted or replaced, so that its traces should be overwritten. */
export async function appendEntries(
  query: Query,
  dialect: Dialect,
  lease: Lease,
  runId: string,
  expectedSeq: number,
  entries: readonly Entry[],
): Promise<boolean> {
  await fence(query, dialect, lease);
  // A repeat whose first attempt is still committing waits here for that attempt's lock on the row.
  const advanced = await query(
    'UPDATE run SET events = events + $3 WHERE run_id = $1 AND events = $2 RETURNING events',
    [runId, expectedSeq, entries.length],
  );
  if (advanced.length === 0) {
    await recogniseRepeat(query, runId, expectedSeq, entries);
    // Its first attempt may have been cut off before it could scrub.
    return entries.some(({ secrets = [], ended = false }) => ended || secrets.length > 0);
  }
  await insert(query, 'event (run_id, seq, at_ms, event)', entries, (place, { event }, i) => [
    place(runId),
    place(expectedSeq + i),
    dialect.nowMs,
    place(event),
  ]);
  const documents = entries.flatMap(({ documents: own = [] }, i) =>
    own.map((document, position) => ({ ...document, seq: expectedSeq + i, position })),
  );
  await insert(
    query,
    'document (run_id, digest, seq, position, kind, body)',
    documents,
    (place, { digest, seq, position, kind, body }) => [runId, digest, seq, position, kind, body].map(place),
    'ON CONFLICT (run_id, digest) DO NOTHING',
  );
  let erased = false;
  for (const { secrets = [], ended = false } of entries) {
    for (const secret of secrets) erased = (await storeSecret(query, runId, secret)) || erased;
    if (!ended) continue;
    await query('UPDATE run SET ended = 1 WHERE run_id = $1', [runId]);
    erased = (await query('DELETE FROM secret WHERE run_id = $1 RETURNING name', [runId])).length > 0 || erased;
  }
  return erased;
}

/** Resolves when the log has exactly these events at this place: the caller did not see that its append was committed. */
async function recogniseRepeat(
  query: Query,
  runId: string,
  expectedSeq: number,
  entries: readonly Entry[],
): Promise<void> {
  const [run] = await query('SELECT events FROM run WHERE run_id = $1', [runId]);
  if (run === undefined) throw new StoreError('RUN_UNKNOWN', 'no such run');
  const stored = await query('SELECT event FROM event WHERE run_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq', [
    runId,
    expectedSeq,
    expectedSeq + entries.length,
  ]);
  if (stored.length !== entries.length || stored.some((row, i) => text(row, 'event') !== entries[i]?.event)) {
    throw new StoreError('SEQUENCE_CONFLICT', `the run has ${count(run, 'events')} events, not ${expectedSeq}`);
  }
}

async function storeSecret(query: Query, runId: string, { name, value }: NewSecret): Promise<boolean> {
  const replaced = await query('DELETE FROM secret WHERE run_id = $1 AND name = $2 RETURNING name', [runId, name]);
  if (value !== undefined) {
    await query('INSERT INTO secret (run_id, name, value) VALUES ($1, $2, $3)', [runId, name, value]);
  }
  return replaced.length > 0;
}

/** @param row - the expressions of one row; `place` gives a value its parameter. */
async function insert<T>(
  query: Query,
  into: string,
  items: readonly T[],
  row: (place: (value: SqlValue) => string, item: T, index: number) => string[],
  suffix = '',
): Promise<void> {
  for (let first = 0; first < items.length; first += ROWS_PER_INSERT) {
    const values: SqlValue[] = [];
    const place = (value: SqlValue): string => `$${values.push(value)}`;
    const rows = items
      .slice(first, first + ROWS_PER_INSERT)
      .map((item, i) => `(${row(place, item, first + i).join(', ')})`);
    await query(`INSERT INTO ${into} VALUES ${rows.join(', ')} ${suffix}`, values);
  }
}
