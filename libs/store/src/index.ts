export { openEmbeddedStore } from './embedded-store.js';
export { openPostgresStore } from './postgres-store.js';
export type { PostgresOptions } from './postgres.js';
export { StoreError, type StoreErrorCode } from './errors.js';
export type {
  BlobStore,
  Entry,
  Lease,
  NewDocument,
  NewSecret,
  RunRow,
  RunStore,
  StoredDocument,
  StoredEvent,
} from './run-store.js';
