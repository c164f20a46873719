/** What may be a key. Names reach an SQL parameter at most, never a path; the rule keeps them printable and portable. */

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const MAX_SEGMENTS = 8;

/** @throws RangeError */
export function checkRunId(runId: string): void {
  if (!SEGMENT.test(runId)) throw new RangeError('a run id is 1 to 128 letters, digits, ".", "_" and "-"');
}

/** @throws RangeError */
export function checkBlobName(name: string): void {
  const segments = name.split('/');
  if (segments.length > MAX_SEGMENTS || !segments.every((segment) => SEGMENT.test(segment))) {
    throw new RangeError('a blob name is 1 to 8 segments of letters, digits, ".", "_" and "-", separated by "/"');
  }
}

/** Text that both databases give back byte for byte: PostgreSQL has no NUL, and a lone surrogate has no UTF-8. */
export function checkText(text: string): void {
  if (!text.isWellFormed() || text.includes('\0')) throw new RangeError('text must be well-formed and without NUL');
}
