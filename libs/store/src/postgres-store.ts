import { blobPieces } from './blob-pieces.js';
import { SqlBlobStore } from './blobs.js';
import { PostgresDatabase, type PostgresOptions } from './postgres.js';
import { StoreError } from './errors.js';
import type { RunStore } from './run-store.js';
import { migrate } from './schema.js';
import { SqlRunStore } from './sql-run-store.js';

/**
 * A store that several coordinators share, on a PostgreSQL server of version 14 or later.
 *
 * @param url - `postgres://user:password@host:port/database`; never part of an error or a log.
 * @throws {@link StoreError} `STORE_UNAVAILABLE`, also for a server with `fsync` off, which acknowledges what it may lose.
 */
export async function openPostgresStore(url: string, options?: PostgresOptions): Promise<RunStore> {
  const database = new PostgresDatabase(url, options);
  // Behind the vectors of a hundred hospitals a renewal would come too late, and a coordinator that is well be deposed.
  const leases = new PostgresDatabase(url, { ...options, connections: 1 });
  try {
    const [setting] = await database.read('SHOW fsync');
    if (setting?.['fsync'] !== 'on') throw new StoreError('STORE_UNAVAILABLE', 'the server runs with fsync off');
    await migrate(database);
    return new SqlRunStore(database, new SqlBlobStore(database, blobPieces), leases);
  } catch (error) {
    await Promise.all([database.close(), leases.close()]);
    throw error;
  }
}
