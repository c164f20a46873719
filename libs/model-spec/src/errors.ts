/** The one error of this library: what the caller got from elsewhere (a plan, a blob) does not describe a head. */
export class ModelSpecError extends Error {
  override readonly name = 'ModelSpecError';
  constructor(
    readonly code: 'BAD_SPEC' | 'WRONG_LENGTH',
    message: string,
  ) {
    super(message);
  }
}
