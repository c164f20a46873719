/** The one error of this library. Messages name tensors and folders' purposes, never an image, its name or its numbers. */

export type BackboneErrorCode =
  /** The file of weights is not there or cannot be read: give another path. */
  | 'WEIGHTS_UNREADABLE'
  /** The file is not a ResNet50 in a format that we read, or it is damaged; `tensor` says where, when it is one tensor. */
  | 'WEIGHTS_INVALID'
  /** Opening a pickle runs the code in it: bring the weights in another format. */
  | 'PICKLE_REFUSED'
  /** What was stated about the weights is not what the file itself says: leave the option out. */
  | 'RECIPE_CONFLICT'
  /** The hash in the file is not that of its contents: fetch or import it again. */
  | 'HASH_MISMATCH'
  /** This machine computes other features from the file than the machine that imported it. */
  | 'SELF_CHECK_FAILED'
  | 'TENSOR_MISSING'
  | 'TENSOR_UNKNOWN'
  | 'TENSOR_SHAPE'
  | 'TENSOR_NOT_FINITE'
  /** A plain download: import it first. */
  | 'FEATURE_STATISTICS_MISSING'
  /** The engine gave NaN or infinity: weights and images do not fit together. */
  | 'FEATURES_NOT_FINITE'
  | 'ENGINE_UNAVAILABLE'
  | 'ENGINE_CLOSED';

export class BackboneError extends Error {
  override readonly name = 'BackboneError';
  readonly tensor?: string;

  constructor(
    readonly code: BackboneErrorCode,
    message: string,
    options: { readonly tensor?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.tensor !== undefined) this.tensor = options.tensor;
  }
}
