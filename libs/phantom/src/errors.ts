/** What a caller of this library may have to act on; argument misuse is a `RangeError`. */
export type PhantomErrorCode =
  /** The folder to write already holds something: choose an empty one, nothing was touched. */
  'DIRECTORY_NOT_EMPTY';

export class PhantomError extends Error {
  override readonly name = 'PhantomError';

  constructor(
    readonly code: PhantomErrorCode,
    message: string,
  ) {
    super(message);
  }
}
