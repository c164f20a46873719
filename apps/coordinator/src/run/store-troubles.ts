/** What a failure of the store means to those who lead runs on it. */
import { StoreError, type StoreErrorCode } from '@consilium/store';

const PASSING: readonly StoreErrorCode[] = ['STORE_UNAVAILABLE', 'STORE_FULL', 'STORE_READ_ONLY'];
const DEPOSING: readonly StoreErrorCode[] = ['LEASE_LOST', 'SCHEMA_TOO_NEW'];

/** The same call is going to succeed, sooner or later. */
export const mayPass = (error: unknown): boolean => error instanceof StoreError && PASSING.includes(error.code);

/** Nothing more is written by this process, for any run: another leads, or only a newer program may. */
export const isDeposing = (error: unknown): error is StoreError =>
  error instanceof StoreError && DEPOSING.includes(error.code);

/** For people: the code of an error that has one. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL';
