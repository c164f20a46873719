/** For tests: hospitals that join with real invitations and proofs, or with proofs that are wrong in one thing. */
import { randomBytes } from 'node:crypto';
import { sha256Hex, toHex } from '@consilium/bytes';
import { generateIdentity, signBytes, type Identity } from '@consilium/crypto';
import {
  parseUnverified,
  signStatement,
  type Envelope,
  type HospitalId,
  type Request,
  type Statement,
  type StatementName,
} from '@consilium/protocol';
import { Admission, type Asked } from './admission.js';
import { Membership, type MembershipHome } from './membership.js';

export const COMPARED = { comparedBy: 'Dr. Weiss', how: 'phone' } as const;

export interface Joining {
  readonly asked: Asked;
  readonly request: Request<'join'>;
  readonly identity: Identity;
}

export const signedBy = <N extends StatementName>(name: N, body: Statement<N>, identity: Identity): Envelope =>
  signStatement(name, body, 'test', (bytes) => signBytes(identity, bytes)).envelope;

export class TestMembers {
  readonly coordinatorKey: string;
  readonly admission: Admission;

  constructor(
    readonly home: MembershipHome,
    readonly membership: Membership,
  ) {
    this.coordinatorKey = toHex(home.identity.publicKey);
    this.admission = new Admission(membership, this.coordinatorKey);
  }

  static async open(home: MembershipHome, now?: () => Date): Promise<TestMembers> {
    return new TestMembers(home, await Membership.open(home, now));
  }

  /** @returns The token. */
  async invite(hospital: string, changes: { role?: 'auditor'; validDays?: number } = {}): Promise<string> {
    const terms = {
      displayName: hospital,
      role: 'hospital',
      address: 'http://127.0.0.1:1',
      tlsPin: null,
      validDays: 7,
    };
    const asked = { hospitalId: hospital as HospitalId, ...terms, ...changes } as Parameters<Membership['invite']>[0];
    const { file } = await this.membership.invite(asked, 'test');
    return parseUnverified('invitation', JSON.parse(file)).body.token;
  }

  /** What a hospital would send; `changes` are made to the statement before it is signed. */
  joining(
    hospital: string,
    token: string,
    identity = generateIdentity(),
    witness = generateIdentity(),
    changes: Partial<Statement<'join'>> = {},
  ): Joining {
    const hospitalId = hospital as HospitalId;
    const nonces = { clientNonce: toHex(randomBytes(32)), serverNonce: toHex(randomBytes(32)) };
    const keys = { identityKey: toHex(identity.publicKey), witnessKey: toHex(witness.publicKey) };
    const body: Statement<'join'> = {
      ...{ v: 1, hospitalId, role: 'hospital', ...keys, ...nonces },
      ...{ tokenHash: sha256Hex(Buffer.from(token, 'hex')) as Statement<'join'>['tokenHash'] },
      ...{ coordinatorKey: this.coordinatorKey, address: 'http://127.0.0.1:1' },
      ...changes,
    };
    const proof = { v: 1, hospitalId, ...keys, serverNonce: nonces.serverNonce } as const;
    const request = {
      token,
      statement: signedBy('join', body, identity),
      witness: signedBy('witness-proof', proof, witness),
    };
    return { asked: { hospitalId, ...nonces }, request, identity };
  }

  /** Provisional. */
  async join(hospital: string, identity?: Identity): Promise<Identity> {
    const joining = this.joining(hospital, await this.invite(hospital), identity);
    await this.admission.join(joining.request, joining.asked);
    return joining.identity;
  }

  /** Active. */
  async admit(hospital: string, identity?: Identity): Promise<Identity> {
    const joined = await this.join(hospital, identity);
    await this.membership.approve(hospital as HospitalId, COMPARED, 'test');
    return joined;
  }

  rotation(hospital: string, old: Identity, next: Identity, signers = { old, new: next }): Request<'rotate'> {
    const body: Statement<'rotation'> = {
      ...{ v: 1, hospitalId: hospital as HospitalId, coordinatorKey: this.coordinatorKey },
      ...{ oldKey: toHex(old.publicKey), newKey: toHex(next.publicKey), at: new Date().toISOString() },
    };
    return { old: signedBy('rotation', body, signers.old), new: signedBy('rotation', body, signers.new) };
  }

  revocation(hospital: string, key: Identity, changes: Partial<Statement<'revocation'>> = {}): Request<'revoke'> {
    const body: Statement<'revocation'> = {
      ...{ v: 1, hospitalId: hospital as HospitalId, identityKey: toHex(key.publicKey) },
      ...{ coordinatorKey: this.coordinatorKey, at: new Date().toISOString(), ...changes },
    };
    return { statement: signedBy('revocation', body, key) };
  }
}
