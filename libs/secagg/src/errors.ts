/** The one error of this library. No message quotes a coordinate, a count, a share or a key. */

export type SecAggErrorCode =
  /** The plan breaks a floor or could wrap the ring: the operator changes the configuration. */
  | 'PLAN_UNSAFE'
  /** Not the next round, not fresh, or another run: wait for the next plan. */
  | 'PLAN_STALE'
  /** A later attempt of a round that must not be opened twice: people decide. */
  | 'RETRY_REFUSED'
  /** This hospital has already said what it is asked for, perhaps before a restart: it has dropped out. */
  | 'ALREADY_SAID'
  /** Of another plan, round, attempt or session: a replay, or late. Ignore it. */
  | 'WRONG_CONTEXT'
  /** A forwarded statement does not bear its author's signature: the forwarder lies. */
  | 'FORGED'
  /** `accused` sent keys that must not be used, or not its own ones. */
  | 'BAD_ADVERT'
  /** `accused` dealt or returned a wrong share. */
  | 'BAD_SHARE'
  /** The coordinator shows different hospitals different things: leave the attempt, and tell people. */
  | 'SPLIT_VIEW'
  /** Fewer than the threshold or the smallest cohort: the attempt ends, and nothing can be opened. */
  | 'TOO_FEW'
  /** A masked vector of another length or root than signed: ask for it again. */
  | 'BAD_UPLOAD'
  /** The update itself: training or clipping is at fault. */
  | 'WRONG_LENGTH'
  | 'NOT_FINITE'
  | 'NOT_CLIPPED'
  | 'BAD_COUNT'
  /** Some masked vector or key was faulty; which one cannot be seen without opening it. */
  | 'SUM_CORRUPT'
  /** Some hospital sent what no honest one can. */
  | 'SUM_OUT_OF_RANGE'
  /** The coordinator's sum is not the sum of what the hospitals signed. */
  | 'AGGREGATE_FORGED';

export class SecAggError extends Error {
  override readonly name = 'SecAggError';
  /** @param accused - the hospital whose own signed or sealed words show the fault; null where nobody is proved guilty. */
  constructor(
    readonly code: SecAggErrorCode,
    message: string,
    readonly accused: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
