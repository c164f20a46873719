/**
 * Leadership as one row. The database's clock decides when a lease may be taken over; the token decides who may write.
 * Kleppmann, "How to do distributed locking" (2016): a lock that expires protects nothing without a fencing token.
 */
import { count, type Database, type Dialect, type Query } from './database.js';
import { StoreError } from './errors.js';
import type { Lease } from './run-store.js';
import { checkVersion } from './schema.js';

/**
 * The first statement of every write. Until the transaction ends nobody can change the token or the schema's version, so no
 * take-over and no migration comes between this check and the commit. Renewals change neither and are not held up.
 *
 * @throws {@link StoreError} `LEASE_LOST`, `SCHEMA_TOO_NEW`.
 */
export async function fence(query: Query, dialect: Dialect, lease: Lease): Promise<void> {
  const [row] = await query(
    `SELECT lease.holder, lease.token, schema_version.version FROM lease CROSS JOIN schema_version
     WHERE lease.id = 1${dialect.shareLock}`,
  );
  if (row !== undefined) checkVersion(count(row, 'version'));
  if (row === undefined || row['holder'] !== lease.holder || count(row, 'token') !== lease.token) {
    throw new StoreError('LEASE_LOST', 'another coordinator leads, or this one has released its lease');
  }
}

export async function acquireLease(database: Database, holder: string, ttlMs: number): Promise<Lease | undefined> {
  const { nowMs, shareLock } = database.dialect;
  checkTtl(ttlMs);
  return database.transaction(async (query) => {
    for (const row of await query(`SELECT version FROM schema_version${shareLock}`))
      checkVersion(count(row, 'version'));
    const [row] = await query(
      `INSERT INTO lease (id, holder, token, expires_ms) VALUES (1, $1, 1, ${nowMs} + $2)
       ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, token = lease.token + 1, expires_ms = excluded.expires_ms
       WHERE lease.holder IS NULL OR lease.holder = excluded.holder OR lease.expires_ms <= ${nowMs}
       RETURNING token`,
      [holder, ttlMs],
    );
    return row === undefined ? undefined : { holder, token: count(row, 'token') };
  });
}

export async function renewLease(database: Database, { holder, token }: Lease, ttlMs: number): Promise<boolean> {
  checkTtl(ttlMs);
  const rows = await database.transaction((query) =>
    query(
      `UPDATE lease SET expires_ms = ${database.dialect.nowMs} + $3 WHERE holder = $1 AND token = $2 RETURNING token`,
      [holder, token, ttlMs],
    ),
  );
  return rows.length === 1;
}

export async function releaseLease(database: Database, { holder, token }: Lease): Promise<void> {
  await database.transaction((query) =>
    query('UPDATE lease SET holder = NULL WHERE holder = $1 AND token = $2', [holder, token]),
  );
}

function checkTtl(ttlMs: number): void {
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1)
    throw new RangeError('ttlMs is a positive whole number of milliseconds');
}
