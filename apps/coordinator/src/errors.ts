/** What can stop a coordinator or a command: a stable code, and the exit status that goes with it (the one table of this program). */

export const EXIT_STATUS = {
  BAD_OPTION: 2,
  RUN_FILE_INVALID: 2,
  NOT_INITIALISED: 2,
  /** Nobody of that name has joined. */
  HOSPITAL_UNKNOWN: 2,
  HOSPITAL_KNOWN: 2,
  HOSPITAL_REVOKED: 2,
  NOT_PROVISIONAL: 2,
  ROSTER_CHANGED: 2,
  INVITATION_UNKNOWN: 2,
  INVITATION_EXISTS: 2,
  REVOCATION_INVALID: 2,
  /** An entry of the membership was altered, or one is missing. */
  MEMBERSHIP_BROKEN: 5,
  TOO_FEW_ENROLLED: 2,
  TOKEN_FILE_INVALID: 2,
  OPERATORS_INVALID: 2,
  OIDC_INVALID: 2,
  FORBIDDEN: 2,
  OPERATOR_UNKNOWN: 2,
  OPERATOR_EXISTS: 2,
  LAST_OWNER: 2,
  SET_UP: 2,
  PASSWORD_ABSENT: 2,
  TOKEN_UNKNOWN: 2,
  TOKEN_EXISTS: 2,
  UNAUTHORIZED: 2,
  RUN_EXISTS: 2,
  RUN_UNKNOWN: 2,
  RUN_ENDED: 2,
  PORT_IN_USE: 3,
  HOME_IN_USE: 3,
  RUN_ABORTED: 4,
  STORE_FAILED: 5,
  DEPOSED: 6,
  DAEMON_UNREACHABLE: 7,
  DAEMON_FAILED: 7,
  INTERRUPTED: 130,
} as const;

export type CoordinatorErrorCode = keyof typeof EXIT_STATUS;

/** A field of something that a person wrote, and what is wrong with it. */
export interface FieldFault {
  /** Names joined by dots; '' for the whole. */
  readonly field: string;
  readonly message: string;
}

export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  constructor(
    readonly code: CoordinatorErrorCode,
    message: string,
    readonly fields: readonly FieldFault[] = [],
  ) {
    super(message);
  }
}
