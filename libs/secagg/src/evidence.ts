/**
 * What shows a sum to somebody who did not help to open it, and to an auditor (SPEC section 7): the keys of the session, the
 * signed vectors, and the agreement of t hospitals. A coordinator alone can make none of it.
 */
import { type Cohort, membersAt, openAdverts, formCohort, requireSession } from './cohort.js';
import { dealtSetDigest, survivorsDigest } from './digests.js';
import { SecAggError } from './errors.js';
import type { Aggregate, Forward, OpenSigned, Survivor } from './messages.js';
import { type CheckedPlan, requireEnough } from './params.js';
import { requireQuorum } from './quorum.js';
import { openForwarded } from './statements.js';
import type { Witness } from './verification.js';

/** Statements of hospitals, as they signed them, each list in ascending x. */
export interface Evidence {
  /** Of all of U1. */
  readonly adverts: readonly Forward[];
  /** The `masked` of all of U3. */
  readonly vectors: readonly Forward[];
  /** Of at least t of U3. */
  readonly agrees: readonly Forward[];
}

/**
 * @param aggregate - the coordinator's, its signature verified: who dealt follows from what it recovered.
 * @param evidence - hostile.
 * @throws {@link SecAggError} `BAD_ADVERT`, `FORGED`, `WRONG_CONTEXT`, `SPLIT_VIEW`, `TOO_FEW`.
 */
export function witnessOf(plan: CheckedPlan, aggregate: Aggregate, evidence: Evidence, open: OpenSigned): Witness {
  const cohort = formCohort(plan, openAdverts(plan, evidence.adverts, open));
  const dealt = membersAt(
    cohort.members,
    aggregate.recovered.map(({ x }) => x).sort((a, b) => a - b),
  );
  if (!dealt) throw new SecAggError('SPLIT_VIEW', 'the recovered secrets are not those of this session');
  const survivors = signedVectors(cohort, dealtSetDigest(cohort.sessionId, dealt), evidence.vectors, open);
  requireEnough(plan, survivors.length, 'hospitals sent a vector');
  requireQuorum(cohort, survivors, survivorsDigest(cohort.sessionId, survivors), evidence.agrees, open);
  return { cohort, dealt, survivors };
}

/**
 * For a hospital that helped to open the sum: it has verified the keys and the agreements itself, and not that each vector is
 * its hospital's.
 *
 * @throws {@link SecAggError} `FORGED`, `WRONG_CONTEXT`, `SPLIT_VIEW` for other vectors than it agreed to.
 */
export function requireSigned(own: Witness, vectors: readonly Forward[], open: OpenSigned): void {
  const signed = signedVectors(own.cohort, dealtSetDigest(own.cohort.sessionId, own.dealt), vectors, open);
  const same = signed.length === own.survivors.length;
  if (!same || own.survivors.some(({ x, yRoot }, i) => signed[i]?.x !== x || signed[i].yRoot !== yRoot)) {
    throw new SecAggError('SPLIT_VIEW', 'the vectors are not those that were agreed to');
  }
}

/** t agreements are not those of all survivors: a vector that its hospital did not sign could be anything. */
function signedVectors(
  cohort: Cohort,
  u2Digest: string,
  vectors: readonly Forward[],
  open: OpenSigned,
): readonly Survivor[] {
  const signers = membersAt(
    cohort.members,
    vectors.map(({ x }) => x),
  );
  if (!signers) throw new SecAggError('SPLIT_VIEW', 'the vectors are not those of different hospitals of this session');
  return signers.map((signer, at) => {
    const { body } = openForwarded(open, 'masked', (vectors[at] as Forward).envelope, signer);
    requireSession(cohort, signer.hospitalId, body);
    if (body.u2Digest !== u2Digest || body.words !== cohort.plan.words) {
      throw new SecAggError('SPLIT_VIEW', `the vector of ${signer.hospitalId} is of another session`);
    }
    return { x: signer.x, yRoot: body.yRoot };
  });
}
