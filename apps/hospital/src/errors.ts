/** What can stop a hospital node: a stable code, and the exit status that goes with it (the one table of this program). */

export const EXIT_STATUS = {
  BAD_OPTION: 2,
  CONFIG_INVALID: 2,
  NOT_INITIALISED: 2,
  /** The invitation is not one, or not for a hospital. */
  INVITATION_INVALID: 2,
  INVITATION_EXPIRED: 2,
  /** This home has joined as another hospital, or with another coordinator. */
  ALREADY_JOINED: 2,
  PASSPHRASE_MISSING: 2,
  /** The words are not those of the roster: somebody is in it who should not be, or it has changed. */
  WORDS_DIFFER: 6,
  CARD_INVALID: 2,
  CARD_MISSING: 2,
  FILE_MISSING: 2,
  NO_USABLE_IMAGES: 5,
  DATA_INVALID: 5,
  BACKBONE_INVALID: 5,
  WEIGHTS_UNREACHABLE: 5,
  WEIGHTS_REFUSED: 5,
  /** This home has no results of that run. */
  RUN_UNKNOWN: 2,
  /** The folder to be written holds something already. */
  TARGET_NOT_EMPTY: 2,
  /** There is no release in that folder. */
  RELEASE_MISSING: 2,
  /** There is nothing at the path that was to be classified. */
  PATH_MISSING: 2,
  /** A head, a configuration or a results file of the run is not what it says. */
  RESULTS_INVALID: 5,
  /** The backbone of hospital.yaml is not the one of the run. */
  BACKBONE_MISMATCH: 5,
  /** The exported model does not give the product's own probabilities: nothing is written. */
  RELEASE_DIFFERS: 5,
  /** Made for another version of this program. */
  RELEASE_INCOMPATIBLE: 5,
  /** A file of the release is missing, altered, or not what the model card says. */
  RELEASE_DAMAGED: 5,
  REFUSED_BY_COORDINATOR: 6,
  COORDINATOR_UNKNOWN: 6,
  /** What is on the way to it, or answers in its place. */
  COORDINATOR_UNREACHABLE: 6,
  REFUSED_HERE: 7,
  /** policy.yaml is not what a policy must be. */
  POLICY_INVALID: 2,
  /** A command that would overwrite what a person wrote. */
  POLICY_EXISTS: 2,
  POLICY_MISSING: 2,
  /** Nothing waits for approval, or nothing with that hash. */
  APPROVAL_UNKNOWN: 2,
  /** Without a terminal an approval names the whole hash. */
  APPROVAL_NEEDS_HASH: 2,
  /** Something was to leave that must not. */
  EGRESS_REFUSED: 7,
  EGRESS_JOURNAL_BROKEN: 5,
  /** The page of this hospital goes without it; the node works on. */
  PAGE_PORT_IN_USE: 2,
  ALREADY_RUNNING: 2,
  NEEDS_YES: 2,
  /** A person stopped this hospital. */
  STOPPED: 8,
  RUN_ABORTED: 4,
  INTERRUPTED: 130,
} as const;

export type HospitalErrorCode = keyof typeof EXIT_STATUS;

export class HospitalError extends Error {
  override readonly name = 'HospitalError';
  constructor(
    readonly code: HospitalErrorCode,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options);
  }
}
