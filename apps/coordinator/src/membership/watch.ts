/** What a change of the membership does to a coordinator that leads, whichever process of its home made it. */
import type { Logger } from 'pino';
import type { Desk } from '../gateway/desk.js';
import type { Membership } from './membership.js';

export interface MembershipWatch {
  readonly desk: Pick<Desk, 'expel'>;
  readonly log: Logger;
  readonly changed: () => void;
}

/** A command revokes in its own process: so long may its hospital go on talking, and no plan is made in less. */
const LOOK_EVERY_MS = 500;

/** @returns What ends the watch. */
export function watchMembership(membership: Membership, { desk, log, changed }: MembershipWatch): () => void {
  membership.watch(({ seq, event }) => {
    log.info({ membership: seq, type: event.type, hospital: 'hospitalId' in event ? event.hospitalId : undefined });
    if (event.type === 'revoked') desk.expel(event.hospitalId, 'HOSPITAL_REVOKED');
    if (event.type === 'rotated') desk.expel(event.hospitalId, 'SIGNATURE_INVALID');
    changed();
  });
  const looking = setInterval(() => {
    membership.refresh().catch((error: unknown) => {
      log.error({ err: error }, 'the membership cannot be read');
    });
  }, LOOK_EVERY_MS).unref();
  return () => {
    clearInterval(looking);
  };
}
