/** Headers: what makes a statement one of this plan, attempt and session, and of nobody else. */
import { SecAggError } from './errors.js';
import type { Envelope, Forwarded, Header, Opened, OpenSigned } from './messages.js';
import type { CheckedPlan } from './params.js';

export const COORDINATOR = 'coordinator';

export function headerOf({ body, digest }: CheckedPlan, from: string): Header {
  return { v: 1, runId: body.runId, round: body.round, attempt: body.attempt, from, planDigest: digest };
}

/** @throws {@link SecAggError} `WRONG_CONTEXT`, also for another sender than expected. */
export function requireHeader(plan: CheckedPlan, from: string, header: Header): void {
  const expected = headerOf(plan, from);
  const differing = (Object.keys(expected) as (keyof Header)[]).find((field) => header[field] !== expected[field]);
  if (differing !== undefined) throw new SecAggError('WRONG_CONTEXT', `the statement has another ${differing}`);
}

/**
 * Opens what the coordinator forwarded of a hospital.
 *
 * @throws {@link SecAggError} `FORGED` with the hospital in whose name it was; it is not that hospital's fault.
 */
export function openForwarded<N extends keyof Forwarded>(
  open: OpenSigned,
  name: N,
  envelope: Envelope,
  author: { readonly hospitalId: string; readonly identityKey: string },
): Opened<Forwarded[N]> {
  try {
    return open(name, envelope, author.identityKey);
  } catch (cause) {
    const message = `a statement in the name of ${author.hospitalId} is not signed by it`;
    throw new SecAggError('FORGED', message, author.hospitalId, { cause });
  }
}
