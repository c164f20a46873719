/** What can stop the demonstration: a stable code, and the exit status that goes with it. */

export const EXIT_STATUS = {
  BAD_OPTION: 2,
  DATA_UNUSABLE: 5,
  OUT_NOT_OURS: 2,
  OUT_UNUSABLE: 2,
  SETUP_FAILED: 1,
  COORDINATOR_FAILED: 1,
  TOO_FEW_HOSPITALS: 4,
  INTERRUPTED: 130,
} as const;

export class DemoError extends Error {
  override readonly name = 'DemoError';
  constructor(
    readonly code: keyof typeof EXIT_STATUS,
    message: string,
    /** The exit status of a part that failed says more than ours. */
    readonly status: number = EXIT_STATUS[code],
  ) {
    super(message);
  }

  /** For standard error; the code of a part that failed says more than ours. */
  get line(): string {
    return /^[A-Z][A-Z_]+: /.test(this.message) ? this.message : `${this.code}: ${this.message}`;
  }
}
