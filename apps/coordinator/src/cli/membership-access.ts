/** The way of a command to the membership: the API of the daemon, or, while none serves the home folder, its files. */
import { z } from 'zod';
import {
  hospitalSchema,
  invitationView,
  issuedInvitation,
  rosterView,
  type HospitalView,
  type InvitationView,
  type IssuedInvitation,
  type NewInvitation,
  type RosterView,
} from '@consilium/operator-api';
import { CoordinatorError } from '../errors.js';
import { lockHome } from '../home-lock.js';
import { reopenHome, type Home } from '../home.js';
import { MembershipDeeds } from '../membership/deeds.js';
import { Membership, type Compared } from '../membership/membership.js';
import type { Deed } from '../operators/activity-log.js';
import { HOME_NAME } from '../operators/api-tokens.js';
import { Daemon, type DaemonOptions } from './daemon.js';

/** Each change is in the activity of the operators before it is done. */
export interface MembershipAccess {
  hospitals(): Promise<readonly HospitalView[]>;
  roster(): Promise<RosterView>;
  invitations(): Promise<readonly InvitationView[]>;
  invite(asked: NewInvitation): Promise<IssuedInvitation>;
  cancel(id: string): Promise<void>;
  approve(hospital: string, compared: Compared): Promise<HospitalView>;
  revoke(hospital: string, reason: string): Promise<HospitalView>;
  revokeByFile(text: string): Promise<HospitalView>;
}

/** @throws {@link CoordinatorError} `NOT_INITIALISED`, and as each operation refuses. */
export async function withMembership<T>(
  options: DaemonOptions,
  work: (membership: MembershipAccess) => Promise<T>,
): Promise<T> {
  if (options.url !== undefined) return work(overApi(await Daemon.find(options)));
  const home = await reopenHome(options.home);
  const unlock = await lockHome(options.home).catch((error: unknown) => {
    if (error instanceof CoordinatorError && error.code === 'HOME_IN_USE') return undefined;
    throw error;
  });
  if (unlock === undefined) return work(overApi(await Daemon.find(options)));
  try {
    return await work(await inFiles(home));
  } finally {
    await unlock();
  }
}

const segment = encodeURIComponent;

const overApi = (daemon: Daemon): MembershipAccess => ({
  hospitals: () => daemon.get('/hospitals', z.array(hospitalSchema)),
  roster: () => daemon.get('/roster', rosterView),
  invitations: () => daemon.get('/invitations', z.array(invitationView)),
  invite: (asked) => daemon.ask('POST', '/invitations', issuedInvitation, asked),
  cancel: (id) => daemon.ask('DELETE', `/invitations/${segment(id)}`, z.undefined()),
  approve: (hospital, compared) =>
    daemon.ask('POST', `/hospitals/${segment(hospital)}/approve`, hospitalSchema, compared),
  revoke: (hospital, reason) =>
    daemon.ask('POST', `/hospitals/${segment(hospital)}/revoke`, hospitalSchema, { reason }),
  revokeByFile: (revocation) => daemon.ask('POST', '/revocations', hospitalSchema, { revocation }),
});

async function inFiles(home: Home): Promise<MembershipAccess> {
  const deeds = new MembershipDeeds(await Membership.open(home), () => undefined);
  const recorded = async (deed: Pick<Deed, 'action' | 'hospital' | 'detail'>): Promise<void> => {
    const { ActivityLog } = await import('../operators/activity-log.js');
    const activity = await ActivityLog.open(home.directory);
    try {
      await activity.record({ by: { kind: 'home', name: null, role: 'owner' }, outcome: 'allowed', ...deed });
    } finally {
      await activity.close();
    }
  };
  return {
    hospitals: () => deeds.hospitals(),
    roster: () => deeds.roster(),
    invitations: () => deeds.invitations(),
    invite: async (asked) => {
      const { hospital, role, validDays } = asked;
      await recorded({ action: 'hospital.invite', detail: { hospital, role, validDays } });
      return deeds.invite(asked, HOME_NAME);
    },
    cancel: async (id) => {
      await recorded({ action: 'invitation.withdraw' });
      await deeds.cancel(id, HOME_NAME);
    },
    approve: async (hospital, compared) => {
      const { comparedBy, how } = compared;
      await recorded({ action: 'hospital.approve', hospital, detail: { comparedBy, how } });
      return deeds.approve(hospital, compared, HOME_NAME);
    },
    revoke: async (hospital, reason) => {
      await recorded({ action: 'hospital.revoke', hospital, detail: { reason } });
      return deeds.revoke(hospital, reason, HOME_NAME);
    },
    revokeByFile: async (text) => {
      await recorded({ action: 'hospital.revoke' });
      return deeds.revokeByFile(text);
    },
  };
}
