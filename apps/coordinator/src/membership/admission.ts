/** What a hospital says about its membership over the line, checked: joining, comparing, another key, leaving. */
import { fromHex, toHex } from '@consilium/bytes';
import { isSafePublicKey, verifyStrict } from '@consilium/crypto';
import {
  openStatement,
  parseUnverified,
  ProtocolError,
  type Envelope,
  type HospitalId,
  type Request,
  type Statement,
  type StatementName,
} from '@consilium/protocol';
import type { MembershipEvent } from './events.js';
import { sha256, wordsOfKey, type Membership } from './membership.js';
import type { MembershipState } from './state.js';

/** The challenge that the coordinator gave on this very connection; it serves once. */
export interface Asked {
  readonly hospitalId: HospitalId;
  readonly clientNonce: string;
  readonly serverNonce: string;
}

/** Signed with the key that stands in its field of that name. @throws {@link ProtocolError} `KEY_PROOF_INVALID`. */
function provenBy<N extends StatementName>(name: N, envelope: Envelope, field: keyof Statement<N>): Statement<N> {
  const key = fromHex(parseUnverified(name, envelope).body[field] as string);
  return openStatement(name, envelope, (bytes, signature) => {
    if (!isSafePublicKey(key) || !verifyStrict(key, bytes, signature)) throw new ProtocolError('KEY_PROOF_INVALID');
    return true;
  }).body;
}

export class Admission {
  constructor(
    private readonly membership: Membership,
    /** The coordinator's public key, hex. */
    private readonly coordinatorKey: string,
  ) {}

  /**
   * Uses an invitation up, and makes its hospital provisional. Repeated by the same hospital it changes nothing: its first
   * answer may have been lost.
   *
   * @returns The key that it proved.
   * @throws {@link ProtocolError} `INVITATION_...`, `KEY_PROOF_INVALID`, `KEY_IN_USE`, `HOSPITAL_KNOWN`.
   */
  async join({ token, statement, witness }: Request<'join'>, asked: Asked): Promise<string> {
    const tokenHash = sha256(fromHex(token));
    const body = provenBy('join', statement, 'identityKey');
    const { hospitalId, identityKey, witnessKey } = body;
    await this.membership.decide((state, at) => {
      const invitation = [...state.invitations.values()].find((one) => one.tokenHash === tokenHash);
      if (invitation === undefined) throw new ProtocolError('INVITATION_UNKNOWN');
      if (invitation.state === 'cancelled') throw new ProtocolError('INVITATION_CANCELLED');
      if (invitation.hospitalId !== asked.hospitalId || hospitalId !== asked.hospitalId) {
        throw new ProtocolError('INVITATION_ROLE', 'it is for another hospital');
      }
      if (invitation.role !== body.role || invitation.role !== 'hospital') {
        throw new ProtocolError('INVITATION_ROLE', `it is for the role ${invitation.role}`);
      }
      this.#requireProof(body, witness, asked, tokenHash);
      if (invitation.used !== null) {
        if (invitation.used.identityKey === identityKey && state.members.get(hospitalId)?.state === 'provisional') {
          return undefined;
        }
        throw new ProtocolError('INVITATION_USED', `${invitation.used.at}: ${wordsOfKey(invitation.used.identityKey)}`);
      }
      if (invitation.expiresAt <= at) throw new ProtocolError('INVITATION_EXPIRED', invitation.expiresAt);
      if (state.keys.has(identityKey) || state.keys.has(witnessKey)) throw new ProtocolError('KEY_IN_USE');
      const member = state.members.get(hospitalId);
      if (member !== undefined && member.state !== 'revoked') throw new ProtocolError('HOSPITAL_KNOWN');
      const { invitationId } = invitation;
      return { type: 'joined', invitationId, hospitalId, identityKey, witnessKey, statement };
    });
    return identityKey;
  }

  /** Both keys, for this very challenge, this token and this coordinator. */
  #requireProof(body: Statement<'join'>, witness: Envelope, asked: Asked, tokenHash: string): void {
    const { identityKey, witnessKey } = body;
    const proof = provenBy('witness-proof', witness, 'witnessKey');
    const isOfNow =
      body.clientNonce === asked.clientNonce &&
      body.serverNonce === asked.serverNonce &&
      body.tokenHash === tokenHash &&
      body.coordinatorKey === this.coordinatorKey;
    const isOfOne =
      proof.hospitalId === body.hospitalId &&
      proof.identityKey === identityKey &&
      proof.witnessKey === witnessKey &&
      proof.serverNonce === asked.serverNonce;
    if (!isOfNow || !isOfOne || witnessKey === identityKey) throw new ProtocolError('KEY_PROOF_INVALID');
  }

  /** @throws {@link ProtocolError} `ROSTER_CHANGED` for words that are not those of the roster as it is. */
  async verify(hospitalId: HospitalId, key: Uint8Array, { statement }: Request<'verify'>): Promise<void> {
    const { body, envelope } = openStatement('verification', statement, (bytes, signature) =>
      verifyStrict(key, bytes, signature),
    );
    if (body.from !== hospitalId) throw new ProtocolError('SENDER_MISMATCH');
    const { rosterDigest, comparedBy, how } = body;
    await this.membership.decide((state) => {
      this.#requireCurrent(state, hospitalId, toHex(key));
      if (rosterDigest !== state.rosterDigest) throw new ProtocolError('ROSTER_CHANGED');
      return { type: 'verified', hospitalId, rosterDigest, comparedBy, how, statement: envelope };
    });
  }

  /** @throws {@link ProtocolError} `SIGNATURE_INVALID` without the old key, `KEY_PROOF_INVALID` without the new one. */
  async rotate(hospitalId: HospitalId, key: Uint8Array, request: Request<'rotate'>): Promise<void> {
    const { body, digest } = openStatement('rotation', request.old, (bytes, signature) =>
      verifyStrict(key, bytes, signature),
    );
    if (body.hospitalId !== hospitalId) throw new ProtocolError('SENDER_MISMATCH');
    provenBy('rotation', request.new, 'newKey');
    if (parseUnverified('rotation', request.new).digest !== digest) throw new ProtocolError('KEY_PROOF_INVALID');
    const { oldKey, newKey, coordinatorKey } = body;
    if (oldKey !== toHex(key) || coordinatorKey !== this.coordinatorKey) throw new ProtocolError('SIGNATURE_INVALID');
    await this.membership.decide((state): MembershipEvent => {
      this.#requireCurrent(state, hospitalId, oldKey);
      if (state.keys.has(newKey)) throw new ProtocolError('KEY_IN_USE');
      return { type: 'rotated', hospitalId, oldKey, newKey, statements: [request.old, request.new] };
    });
  }

  /** @throws {@link ProtocolError} for a statement that none of its keys signed. */
  async revoke({ statement }: Request<'revoke'>): Promise<HospitalId> {
    const key = fromHex(parseUnverified('revocation', statement).body.identityKey);
    const { body, envelope } = openStatement('revocation', statement, (bytes, signature) =>
      verifyStrict(key, bytes, signature),
    );
    await this.membership.revokeBySelf(body, envelope);
    return body.hospitalId;
  }

  /** A connection may be older than the last change. */
  #requireCurrent(state: MembershipState, hospitalId: HospitalId, key: string): void {
    const member = state.members.get(hospitalId);
    if (member?.state === 'revoked') throw new ProtocolError('HOSPITAL_REVOKED');
    if (member?.identityKey !== key)
      throw new ProtocolError('SIGNATURE_INVALID', 'the key of this connection was changed');
  }

  status(hospitalId: HospitalId): Promise<Envelope> {
    return this.membership.statusOf(hospitalId);
  }

  keyOf(hospitalId: HospitalId): Promise<string | undefined> {
    return this.membership.keyOf(hospitalId);
  }

  noteRefusal(hospitalId: HospitalId, request: string, code: string): Promise<void> {
    return this.membership.noteRefusal(hospitalId, request, code);
  }
}
