/** The one error of this library. No message quotes a coordinate or a norm: both are a hospital's update. */
export class AggregationError extends Error {
  override readonly name = 'AggregationError';
  constructor(
    readonly code: 'WRONG_LENGTH' | 'NOT_FINITE' | 'NORM_TOO_LARGE' | 'BAD_WEIGHT' | 'EMPTY_MEAN' | 'TOO_FEW_UPDATES',
    message: string,
  ) {
    super(message);
  }
}
