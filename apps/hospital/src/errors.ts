/** What can stop a hospital node: a stable code, and the exit status that goes with it (the one table of this program). */

export const EXIT_STATUS = {
  BAD_OPTION: 2,
  CONFIG_INVALID: 2,
  NOT_INITIALISED: 2,
  CARD_INVALID: 2,
  CARD_MISSING: 2,
  FILE_MISSING: 2,
  NO_USABLE_IMAGES: 5,
  DATA_INVALID: 5,
  BACKBONE_INVALID: 5,
  WEIGHTS_UNREACHABLE: 5,
  WEIGHTS_REFUSED: 5,
  REFUSED_BY_COORDINATOR: 6,
  COORDINATOR_UNKNOWN: 6,
  REFUSED_HERE: 7,
  RUN_ABORTED: 4,
  INTERRUPTED: 130,
} as const;

export type HospitalErrorCode = keyof typeof EXIT_STATUS;

export class HospitalError extends Error {
  override readonly name = 'HospitalError';
  constructor(
    readonly code: HospitalErrorCode,
    message: string,
  ) {
    super(message);
  }
}
