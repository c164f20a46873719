/** What can stop an export or a prediction. `message` names files of a release and folders that the caller gave, no image. */

/** Exit statuses by code, in the meaning of this program's table: 2 something was asked wrongly, 5 cannot be used. */
export const RELEASE_EXIT_STATUS = {
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
} as const;

export type ReleaseErrorCode = keyof typeof RELEASE_EXIT_STATUS;

export class ReleaseError extends Error {
  override readonly name = 'ReleaseError';
  constructor(
    readonly code: ReleaseErrorCode,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
  }
}
