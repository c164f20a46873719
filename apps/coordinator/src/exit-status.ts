/** Any error of this program or its libraries -> one line with a stable code, and the exit status. */
import { CryptoError } from '@consilium/crypto';
import { ModelSpecError } from '@consilium/model-spec';
import { StoreError } from '@consilium/store';
import { CoordinatorError, EXIT_STATUS } from './errors.js';

/** An error that nobody foresaw keeps its stack: hiding a defect would help nobody. */
export function exitStatusOf(error: unknown): { readonly status: number; readonly line: string } {
  if (error instanceof CoordinatorError)
    return { status: EXIT_STATUS[error.code], line: `${error.code}: ${error.message}` };
  if (error instanceof CryptoError) return { status: 2, line: `${error.code}: ${error.message}` };
  if (error instanceof ModelSpecError)
    return { status: EXIT_STATUS.RUN_FILE_INVALID, line: `RUN_FILE_INVALID: ${error.message}` };
  if (error instanceof StoreError) {
    const status = error.code === 'RUN_EXISTS' ? EXIT_STATUS.RUN_EXISTS : EXIT_STATUS.STORE_FAILED;
    return { status, line: `${error.code}: ${error.message}` };
  }
  // The system's own words name the code, the call and the path.
  if (error instanceof Error && 'syscall' in error) return { status: 1, line: error.message };
  return { status: 1, line: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
