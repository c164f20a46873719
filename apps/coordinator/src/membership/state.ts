/** Who belongs to the consortium: what the entries of the journal come to. */
import type { Digest, Envelope, HospitalId, How, MembershipStatus, RosterLine } from '@consilium/protocol';
import { limits, rosterDigest } from '@consilium/protocol';
import { CoordinatorError } from '../errors.js';
import type { MembershipEventOf } from './events.js';
import type { MembershipEntry } from './journal.js';

export interface Invitation extends MembershipEventOf<'invited'> {
  readonly invitedAt: string;
  readonly state: 'open' | 'used' | 'cancelled';
  readonly used: { readonly at: string; readonly identityKey: string } | null;
}

export interface Comparison {
  readonly at: string;
  readonly comparedBy: string;
  readonly how: How;
  readonly rosterDigest: Digest;
}

interface Present {
  readonly hospitalId: HospitalId;
  readonly displayName: string;
  readonly identityKey: string;
  readonly witnessKey: string;
  /** All that it has had since it joined, the current one last. */
  readonly keys: readonly string[];
  readonly invited: { readonly at: string; readonly by: string };
  readonly joinedAt: string;
  readonly rotatedAt: string | null;
  readonly verified: Comparison | null;
}

export type Approval = Comparison & { readonly by: string; readonly statement: Envelope };

export type Member =
  | (Present & { readonly state: 'provisional' })
  | (Present & { readonly state: 'active'; readonly approval: Approval })
  | (Present & {
      readonly state: 'revoked';
      readonly approval: Approval | null;
      readonly revoked: { readonly at: string; readonly by: string; readonly reason: string };
    });

export type Refusal = MembershipStatus['refusals'][number] & { readonly request: string };

/** Of one hospital, one code and one day: a flood must not fill the disk, nor hide what is new tomorrow. */
const REFUSALS_A_DAY = 10;

export class MembershipState {
  readonly members = new Map<HospitalId, Member>();
  readonly invitations = new Map<string, Invitation>();
  readonly refusals = new Map<HospitalId, Refusal[]>();
  /** Every key that anybody ever had, with whose it is: none is ever another's. */
  readonly keys = new Map<string, HospitalId>();

  /** In the order of names. */
  get roster(): readonly (RosterLine & { readonly state: 'provisional' | 'active' })[] {
    return [...this.members.values()]
      .filter((member) => member.state !== 'revoked')
      .map(({ hospitalId, identityKey, state }) => ({ hospitalId, identityKey, state }))
      .sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1));
  }

  get rosterDigest(): Digest {
    return rosterDigest(this.roster);
  }

  /** Whether anybody has heard of that hospital: else what is tried in its name is nobody's business. */
  isKnown(hospitalId: HospitalId): boolean {
    return this.members.has(hospitalId) || [...this.invitations.values()].some((one) => one.hospitalId === hospitalId);
  }

  hasRoomForRefusal(hospitalId: HospitalId, code: string, at: string): boolean {
    const today = (this.refusals.get(hospitalId) ?? []).filter(
      (one) => one.code === code && one.at.slice(0, 10) === at.slice(0, 10),
    );
    return today.length < REFUSALS_A_DAY;
  }

  /** Entries were checked when they were written: here they only happen. */
  apply({ at, event }: MembershipEntry): void {
    switch (event.type) {
      case 'invited': {
        this.invitations.set(event.invitationId, { ...event, invitedAt: at, state: 'open', used: null });
        return;
      }
      case 'invitation-cancelled': {
        const invitation = this.invitations.get(event.invitationId);
        if (invitation) this.invitations.set(event.invitationId, { ...invitation, state: 'cancelled' });
        return;
      }
      case 'joined':
        this.#come(at, event);
        return;
      case 'approved':
        this.#change(event.hospitalId, (member) => {
          const { comparedBy, how, by, statement } = event;
          const approval = { at, comparedBy, how, by, statement, rosterDigest: event.rosterDigest as Digest };
          return { ...member, state: 'active', approval };
        });
        return;
      case 'verified':
        this.#change(event.hospitalId, (member) => {
          const { comparedBy, how } = event;
          return { ...member, verified: { at, comparedBy, how, rosterDigest: event.rosterDigest as Digest } };
        });
        return;
      case 'rotated':
        this.keys.set(event.newKey, event.hospitalId);
        this.#change(event.hospitalId, (member) => ({
          ...member,
          ...{ identityKey: event.newKey, keys: [...member.keys, event.newKey], rotatedAt: at },
        }));
        return;
      case 'revoked':
        this.#change(event.hospitalId, (member) => ({
          ...member,
          approval: 'approval' in member ? member.approval : null,
          state: 'revoked',
          revoked: { at, by: 'operator' in event.by ? event.by.operator : 'hospital', reason: event.reason },
        }));
        return;
      case 'refused': {
        const { hospitalId, request, code } = event;
        const kept = [...(this.refusals.get(hospitalId) ?? []), { at, request, code }];
        this.refusals.set(hospitalId, kept.slice(-limits.membershipRefusals));
      }
    }
  }

  #come(at: string, { invitationId, hospitalId, identityKey, witnessKey }: MembershipEventOf<'joined'>): void {
    const invitation = this.invitations.get(invitationId);
    if (invitation === undefined) {
      throw new CoordinatorError('MEMBERSHIP_BROKEN', `${hospitalId} has joined by an invitation that is not there`);
    }
    this.invitations.set(invitationId, { ...invitation, state: 'used', used: { at, identityKey } });
    this.keys.set(identityKey, hospitalId);
    this.keys.set(witnessKey, hospitalId);
    this.members.set(hospitalId, {
      ...{ hospitalId, identityKey, witnessKey, displayName: invitation.displayName, keys: [identityKey] },
      invited: { at: invitation.invitedAt, by: invitation.by },
      ...{ joinedAt: at, rotatedAt: null, verified: null, state: 'provisional' },
    });
  }

  #change(hospitalId: HospitalId, change: (member: Member) => Member): void {
    const member = this.members.get(hospitalId);
    if (member) this.members.set(hospitalId, change(member));
  }
}
