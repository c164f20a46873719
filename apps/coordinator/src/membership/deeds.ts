/** What operators do to the membership: the same for the API and for commands in a home that nobody serves. */
import { verifyStrict } from '@consilium/crypto';
import type {
  HospitalView,
  InvitationView,
  IssuedInvitation,
  NewInvitation,
  RosterView,
} from '@consilium/operator-api';
import { hospitalIdSchema, openSelfSigned, ProtocolError, type HospitalId } from '@consilium/protocol';
import { hospitalView, hospitalViews, invitationViews, rosterOf } from '../api/hospitals.js';
import { CoordinatorError } from '../errors.js';
import type { Compared, Membership } from './membership.js';

export class MembershipDeeds {
  /** @param address - where hospitals find this coordinator, if an invitation names no other way. */
  constructor(
    private readonly membership: Membership,
    private readonly address: () => string | undefined,
  ) {}

  async hospitals(): Promise<HospitalView[]> {
    await this.membership.refresh();
    return hospitalViews(this.membership.state);
  }

  async roster(): Promise<RosterView> {
    await this.membership.refresh();
    return rosterOf(this.membership.state);
  }

  async invitations(): Promise<InvitationView[]> {
    await this.membership.refresh();
    return invitationViews(this.membership.state, new Date().toISOString());
  }

  /** @throws {@link CoordinatorError} `HOSPITAL_KNOWN`, `INVITATION_EXISTS`, `BAD_OPTION` without an address. */
  async invite(asked: NewInvitation, by: string): Promise<IssuedInvitation> {
    const { hospital, displayName = hospital, tlsPin = null, validDays, role } = asked;
    const address = asked.address ?? this.address();
    if (address === undefined) {
      throw new CoordinatorError(
        'BAD_OPTION',
        'where will the hospital find this coordinator? Say it with --address URL',
      );
    }
    const hospitalId = idOf(hospital);
    const issued = await this.membership.invite({ hospitalId, displayName, role, address, tlsPin, validDays }, by);
    const { invitationId: id, expiresAt, file, code } = issued;
    return { ...{ id, hospital, expiresAt, file, code }, fileName: `${hospital}.invitation.json` };
  }

  cancel(id: string, by: string): Promise<void> {
    return this.membership.cancel(id, by);
  }

  /** @throws {@link CoordinatorError} `HOSPITAL_UNKNOWN`, `NOT_PROVISIONAL`, `ROSTER_CHANGED`. */
  async approve(hospital: string, compared: Compared, by: string): Promise<HospitalView> {
    return hospitalView(await this.membership.approve(idOf(hospital), compared, by), this.membership.state);
  }

  /** @throws {@link CoordinatorError} `HOSPITAL_UNKNOWN`, `HOSPITAL_REVOKED`. */
  async revoke(hospital: string, reason: string, by: string): Promise<HospitalView> {
    return hospitalView(await this.membership.revoke(idOf(hospital), reason, by), this.membership.state);
  }

  /** By what a hospital signed itself, perhaps long ago. @throws {@link CoordinatorError} `REVOCATION_INVALID`. */
  async revokeByFile(text: string): Promise<HospitalView> {
    try {
      const body = openSelfSigned('revocation', text, verifyStrict);
      await this.membership.revokeBySelf(body, JSON.parse(text) as Parameters<Membership['revokeBySelf']>[1]);
      const member = this.membership.state.members.get(body.hospitalId);
      if (member === undefined) throw new ProtocolError('HOSPITAL_UNKNOWN');
      return hospitalView(member, this.membership.state);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new CoordinatorError('REVOCATION_INVALID', `the revocation is refused: ${error.code}: ${error.message}`);
    }
  }
}

/** @throws {@link CoordinatorError} `HOSPITAL_UNKNOWN` for what is no name of a hospital. */
export function idOf(text: string): HospitalId {
  const id = hospitalIdSchema.safeParse(text);
  if (id.success) return id.data;
  throw new CoordinatorError('HOSPITAL_UNKNOWN', 'a hospital name is 1 to 63 of a-z, 0-9 and inner hyphens');
}
