import { mkdir, access, constants } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BlobFolder, syncFolder } from './blob-folder.js';
import { SqlBlobStore } from './blobs.js';
import { fileError } from './file-error.js';
import type { RunStore } from './run-store.js';
import { migrate } from './schema.js';
import { SqlRunStore } from './sql-run-store.js';
import { SqliteDatabase } from './sqlite.js';

/**
 * A store in one folder of a local disk, without a server: SQLite for the log, files for the blobs. Several processes of one
 * machine may open it, and the lease lets one write. Not for a network file system, whose locks SQLite cannot trust.
 *
 * @param directory - made if missing, for this user alone.
 * @throws {@link StoreError} `STORE_READ_ONLY`, `STORE_FULL`, `STORE_CORRUPT`, `SCHEMA_TOO_NEW`, `STORE_UNAVAILABLE`.
 */
export async function openEmbeddedStore(directory: string): Promise<RunStore> {
  const folder = resolve(directory);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch(async (error: unknown) => {
      // Node answers ENOENT for a recursive mkdir on a read-only file system; a plain one says why.
      await mkdir(folder);
      throw error;
    });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fileError(error);
  }
  await syncFolder(dirname(folder));
  const database = await SqliteDatabase.open(join(folder, 'store.sqlite'));
  try {
    await migrate(database);
    return new SqlRunStore(
      database,
      new SqlBlobStore(database, await BlobFolder.open(join(folder, 'blobs'), database.read)),
    );
  } catch (error) {
    await database.close();
    throw error;
  }
}
