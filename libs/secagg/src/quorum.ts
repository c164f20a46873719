/** That at least t hospitals signed one survivor set: what a hospital asks for before it gives shares or believes a sum. */
import { type Cohort, membersAt, requireSession } from './cohort.js';
import { SecAggError } from './errors.js';
import type { Forward, OpenSigned, Survivor } from './messages.js';
import { openForwarded } from './statements.js';

/**
 * @param survivors - in ascending x. @param digest - {@link survivorsDigest} of them.
 * @param agrees - hostile.
 * @throws {@link SecAggError} `SPLIT_VIEW`, `FORGED`, `WRONG_CONTEXT`, `TOO_FEW`.
 */
export function requireQuorum(
  cohort: Cohort,
  survivors: readonly Survivor[],
  digest: string,
  agrees: readonly Forward[],
  open: OpenSigned,
): void {
  const members = membersAt(
    cohort.members,
    survivors.map(({ x }) => x),
  );
  const signers =
    members &&
    membersAt(
      members,
      agrees.map(({ x }) => x),
    );
  if (!signers) throw new SecAggError('SPLIT_VIEW', 'agreements must come from different survivors');
  signers.forEach((signer, at) => {
    const { body } = openForwarded(open, 'agree', (agrees[at] as Forward).envelope, signer);
    requireSession(cohort, signer.hospitalId, body);
    if (body.survivorsDigest !== digest) throw new SecAggError('SPLIT_VIEW', 'others agreed to another survivor set');
  });
  const { threshold } = cohort.plan.body;
  if (signers.length < threshold) throw new SecAggError('TOO_FEW', `${signers.length} of ${threshold} agreed`);
}
