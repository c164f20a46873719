/** Any error of this program or its libraries -> one line with a stable code, and the exit status. */
import { EXIT_STATUS, HospitalError } from './errors.js';

/** Errors of libraries by class name: loading the libraries only to compare classes would cost every command a second. */
const LIBRARY_STATUS: Readonly<Record<string, number>> = {
  ImagingError: EXIT_STATUS.DATA_INVALID,
  BackboneError: EXIT_STATUS.BACKBONE_INVALID,
  TensorsError: EXIT_STATUS.BACKBONE_INVALID,
  CryptoError: EXIT_STATUS.CONFIG_INVALID,
  HeadError: EXIT_STATUS.DATA_INVALID,
};

/** An error that nobody foresaw keeps its stack: hiding a defect would help nobody. */
export function exitStatusOf(error: unknown): { readonly status: number; readonly line: string } {
  if (error instanceof HospitalError)
    return { status: EXIT_STATUS[error.code], line: `${error.code}: ${error.message}` };
  // What a coordinator refuses has the code that it has everywhere.
  if (error instanceof Error && error.name === 'ProtocolError' && 'code' in error)
    return { status: EXIT_STATUS.REFUSED_BY_COORDINATOR, line: `${String(error.code)}: ${error.message}` };
  if (error instanceof Error && 'code' in error) {
    const status = LIBRARY_STATUS[error.name];
    if (status !== undefined) return { status, line: `${String(error.code)}: ${error.message}` };
  }
  // The system's own words name the code, the call and the path.
  if (error instanceof Error && 'syscall' in error) return { status: 1, line: error.message };
  return { status: 1, line: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
