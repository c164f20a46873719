/** What can stop a coordinator: a stable code, and the exit status that goes with it (the one table of this program). */

export const EXIT_STATUS = {
  BAD_OPTION: 2,
  RUN_FILE_INVALID: 2,
  ENROLMENT_INVALID: 2,
  NOT_INITIALISED: 2,
  TOO_FEW_ENROLLED: 2,
  PORT_IN_USE: 3,
  RUN_ABORTED: 4,
  INTERRUPTED: 130,
} as const;

export type CoordinatorErrorCode = keyof typeof EXIT_STATUS;

export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  constructor(
    readonly code: CoordinatorErrorCode,
    message: string,
  ) {
    super(message);
  }
}
