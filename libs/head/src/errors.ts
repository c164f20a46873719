/** The one error of this library. No message quotes an embedding, a label's owner or a parameter; an index is the most it says. */
export class HeadError extends Error {
  override readonly name = 'HeadError';
  constructor(
    readonly code:
      | 'BACKEND_UNAVAILABLE'
      | 'BAD_SETTINGS'
      | 'NO_EXAMPLES'
      | 'WRONG_SHAPE'
      | 'UNKNOWN_LABEL'
      | 'NOT_FINITE'
      | 'DIVERGED',
    message: string,
  ) {
    super(message);
  }
}
