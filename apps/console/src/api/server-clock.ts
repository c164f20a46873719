/** How far the coordinator's clock is ahead of this machine's, so that elapsed times are right on a machine whose is not. */
let aheadMs = 0;

/** @param date - the header of an answer, which has whole seconds: differences below two seconds are its rounding. */
export function noteServerTime(date: string | null): void {
  const server = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(server)) return;
  const difference = server + 500 - Date.now();
  aheadMs = Math.abs(difference) < 2_000 ? 0 : difference;
}

/** Milliseconds since 1970 by the coordinator. */
export const serverNow = (): number => Date.now() + aheadMs;
