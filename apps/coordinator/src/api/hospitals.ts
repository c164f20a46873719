/** Who may take part, who is invited, and who is there: the membership as people see it. */
import { fromHex } from '@consilium/bytes';
import { digestWords, fingerprint, ROSTER_WORDS } from '@consilium/crypto';
import type { HospitalView, InvitationView, RosterView } from '@consilium/operator-api';
import type { HospitalId } from '@consilium/protocol';
import { wordsOfKey, type Membership } from '../membership/membership.js';
import type { Comparison, Invitation, Member, MembershipState } from '../membership/state.js';
import type { Progress } from '../run/progress.js';

export class Hospitals {
  readonly #lastSeen = new Map<HospitalId, string>();
  /** Since this process began to lead. */
  readonly #about = new Map<HospitalId, Pick<HospitalView, 'version' | 'engine' | 'clockAheadMs'>>();

  /** @param present - hospitals with a session. */
  constructor(
    private readonly membership: () => Membership | undefined,
    private readonly present: () => readonly HospitalId[],
  ) {}

  note(step: Progress): void {
    if (step.event === 'about') {
      const { hospital, version, engine, clockAheadMs } = step;
      this.#about.set(hospital, { version, engine, clockAheadMs });
    }
    if (step.event === 'connected' || step.event === 'disconnected') {
      this.#lastSeen.set(step.hospital, new Date().toISOString());
    }
  }

  /** In hospital order. */
  async list(): Promise<HospitalView[]> {
    const membership = this.membership();
    if (membership === undefined) return [];
    await membership.refresh();
    const present = new Set(this.present());
    return hospitalViews(membership.state).map((view) => {
      const id = view.id as HospitalId;
      const connected = present.has(id);
      const lastSeen = connected ? new Date().toISOString() : (this.#lastSeen.get(id) ?? null);
      return { ...view, connected, lastSeen, ...this.#about.get(id) };
    });
  }
}

const shown = ({ at, comparedBy, how }: Comparison): { at: string; comparedBy: string; how: Comparison['how'] } => ({
  ...{ at, comparedBy, how },
});

/** In hospital order, as far as the membership alone knows. */
export function hospitalViews(state: MembershipState): HospitalView[] {
  return [...state.members.values()]
    .sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1))
    .map((member) => hospitalView(member, state));
}

export function hospitalView(member: Member, state: MembershipState): HospitalView {
  const { hospitalId, displayName, identityKey, invited, joinedAt, rotatedAt, verified } = member;
  const approval = member.state === 'provisional' ? null : member.approval;
  return {
    id: hospitalId,
    ...{ displayName, state: member.state, invited, joinedAt, rotatedAt },
    fingerprint: fingerprint(fromHex(identityKey)),
    words: wordsOfKey(identityKey),
    approved: approval && { ...shown(approval), by: approval.by },
    verified: verified && { ...shown(verified), isCurrent: verified.rosterDigest === state.rosterDigest },
    revoked: member.state === 'revoked' ? member.revoked : null,
    refusals: state.refusals.get(hospitalId) ?? [],
    connected: false,
    lastSeen: null,
    ...{ version: null, engine: null, clockAheadMs: null },
  };
}

/** The newest first. @param at - now. */
export function invitationViews(state: MembershipState, at: string): InvitationView[] {
  return [...state.invitations.values()].map((invitation) => invitationView(invitation, at)).reverse();
}

function invitationView(invitation: Invitation, at: string): InvitationView {
  const { invitationId: id, hospitalId: hospital, displayName, role, invitedAt, by, expiresAt, used } = invitation;
  const state = invitation.state === 'open' && expiresAt <= at ? 'expired' : invitation.state;
  return { id, hospital, displayName, role, state, invitedAt, by, expiresAt, usedAt: used?.at ?? null };
}

export function rosterOf(state: MembershipState): RosterView {
  const { rosterDigest: digest } = state;
  const hospitals = state.roster.map(({ hospitalId, identityKey, state: standing }) => ({
    ...{ id: hospitalId, state: standing, words: wordsOfKey(identityKey) },
  }));
  return { words: digestWords(digest, ROSTER_WORDS), digest, hospitals };
}
