/** The one error of this library. Messages name tensors and folders' purposes, never an image, its name or its numbers. */

export type BackboneErrorCode =
  /** The file of weights is not there or cannot be read: give another path. */
  | 'WEIGHTS_UNREADABLE'
  /** The file is not a ResNet50 in the torchvision layout; `tensor` says where, when it is one tensor. */
  | 'WEIGHTS_INVALID'
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
