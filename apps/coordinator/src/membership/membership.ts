/**
 * Who belongs to the consortium, and every way in which that changes. Each decision is made on the last state, is durable when
 * it returns, and is told to whoever watches; other processes of this home are noticed by {@link Membership.refresh}.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, toHex } from '@consilium/bytes';
import { CODE_WORDS, digestWords, keyWords, ROSTER_WORDS, sameWords, signBytes, verifyStrict } from '@consilium/crypto';
import type { Identity } from '@consilium/crypto';
import {
  openSelfSigned,
  ProtocolError,
  signStatement,
  type Enrolment,
  type Envelope,
  type HospitalId,
  type How,
  type Statement,
} from '@consilium/protocol';
import { CoordinatorError } from '../errors.js';
import type { MembershipEvent } from './events.js';
import { MembershipJournal, type MembershipEntry } from './journal.js';
import { MembershipState, type Invitation, type Member } from './state.js';

export interface MembershipHome {
  readonly directory: string;
  readonly identity: Identity;
}

export interface NewInvitation {
  readonly hospitalId: HospitalId;
  readonly displayName: string;
  readonly role: Invitation['role'];
  readonly address: string;
  readonly tlsPin: string | null;
  readonly validDays: number;
}

export interface IssuedInvitation {
  readonly invitationId: string;
  readonly expiresAt: string;
  /** The file's text: with the token, and shown once. */
  readonly file: string;
  /** What the hospital reads back by phone. */
  readonly code: string;
}

export interface Compared {
  readonly comparedBy: string;
  readonly how: How;
  /** What was compared, where the caller says so; another roster by now is refused. */
  readonly words?: string | undefined;
}

const DAY_MS = 86_400_000;
/** A roster that others change at the same moment is read and decided on again. */
const ATTEMPTS = 100;

export class Membership {
  readonly #journal: MembershipJournal;
  readonly #state = new MembershipState();
  readonly #watchers = new Set<(entry: MembershipEntry) => void>();
  /** One at a time in this process. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly home: MembershipHome,
    private readonly now: () => Date,
  ) {
    this.#journal = new MembershipJournal(join(home.directory, 'membership'));
  }

  /** @throws {@link CoordinatorError} `MEMBERSHIP_BROKEN`. */
  static async open(home: MembershipHome, now: () => Date = () => new Date()): Promise<Membership> {
    const membership = new Membership(home, now);
    await membership.refresh();
    return membership;
  }

  /** Is told every entry that is new from now on, by whichever process it was written. */
  watch(watcher: (entry: MembershipEntry) => void): void {
    this.#watchers.add(watcher);
  }

  /** What other processes have written is known when it resolves. */
  refresh(): Promise<void> {
    return this.#inTurn(() => this.#catchUp());
  }

  /** As of the last refresh or decision. */
  get state(): MembershipState {
    return this.#state;
  }

  /** Those who may be in the roster of a run, in the order of their names. */
  async active(): Promise<Enrolment[]> {
    await this.refresh();
    return this.#state.roster
      .filter(({ state }) => state === 'active')
      .map(({ hospitalId, identityKey }) => ({ v: 1, hospitalId, identityKey }));
  }

  /** @returns undefined for a stranger. @throws {@link ProtocolError} `HOSPITAL_REVOKED`. */
  async keyOf(hospitalId: HospitalId): Promise<string | undefined> {
    await this.refresh();
    const member = this.#state.members.get(hospitalId);
    if (member?.state === 'revoked') throw new ProtocolError('HOSPITAL_REVOKED');
    return member?.identityKey;
  }

  get words(): string {
    return digestWords(this.#state.rosterDigest, ROSTER_WORDS);
  }

  /** @throws {@link CoordinatorError} `HOSPITAL_KNOWN`, `INVITATION_EXISTS`. */
  async invite(asked: NewInvitation, by: string): Promise<IssuedInvitation> {
    const token = randomBytes(32);
    const { hospitalId, displayName, role, address, tlsPin } = asked;
    const identityKey = toHex(this.home.identity.publicKey);
    const expiresAt = new Date(this.now().getTime() + asked.validDays * DAY_MS).toISOString();
    const named = { invitationId: randomBytes(8).toString('hex'), hospitalId, displayName, role, expiresAt };
    const signed = this.#sign('invitation', {
      ...{ v: 1, identityKey, card: await this.#card(), address, tlsPin, token: toHex(token) },
      ...named,
    });
    await this.decide((state, at) => {
      const member = state.members.get(hospitalId);
      if (member !== undefined && member.state !== 'revoked') {
        const why = 'revoke its key first if it is lost';
        throw new CoordinatorError('HOSPITAL_KNOWN', `${hospitalId} has joined already (${member.state}): ${why}`);
      }
      const open = [...state.invitations.values()].find((one) => one.hospitalId === hospitalId && isOpen(one, at));
      if (open !== undefined) {
        const remedy = `cancel it with: consilium-coordinator invitations cancel ${open.invitationId}`;
        throw new CoordinatorError('INVITATION_EXISTS', `${hospitalId} has an invitation that is open; ${remedy}`);
      }
      return { type: 'invited', ...named, tokenHash: sha256(token), by };
    });
    const file = `${JSON.stringify(signed.envelope, null, 2)}\n`;
    return { invitationId: named.invitationId, expiresAt, file, code: digestWords(signed.digest, CODE_WORDS) };
  }

  /** @throws {@link CoordinatorError} `INVITATION_UNKNOWN`. */
  async cancel(invitationId: string, by: string): Promise<void> {
    await this.decide((state) => {
      const invitation = state.invitations.get(invitationId);
      if (invitation?.state !== 'open') {
        throw new CoordinatorError('INVITATION_UNKNOWN', 'there is no open invitation with that id');
      }
      return { type: 'invitation-cancelled', invitationId, by };
    });
  }

  /**
   * @throws {@link CoordinatorError} `HOSPITAL_UNKNOWN`, `NOT_PROVISIONAL`, `ROSTER_CHANGED`.
   */
  async approve(hospitalId: HospitalId, { comparedBy, how, words }: Compared, by: string): Promise<Member> {
    await this.decide((state, at) => {
      const member = this.#known(state, hospitalId);
      if (member.state !== 'provisional') {
        throw new CoordinatorError('NOT_PROVISIONAL', `${hospitalId} is ${member.state}: there is nothing to approve`);
      }
      const { rosterDigest } = state;
      if (words !== undefined && !sameWords(words, digestWords(rosterDigest, ROSTER_WORDS))) {
        throw new CoordinatorError(
          'ROSTER_CHANGED',
          'these are not the words of the roster: do not approve, compare again',
        );
      }
      const { identityKey } = member;
      const body = { v: 1 as const, from: 'coordinator' as const, hospitalId, identityKey };
      const { envelope } = this.#sign('approval', { ...body, rosterDigest, comparedBy, how, at });
      return { type: 'approved', hospitalId, identityKey, rosterDigest, comparedBy, how, statement: envelope, by };
    });
    return this.#known(this.#state, hospitalId);
  }

  /** By the coordinator's people. @throws {@link CoordinatorError} `HOSPITAL_UNKNOWN`, `HOSPITAL_REVOKED`. */
  async revoke(hospitalId: HospitalId, reason: string, operator: string): Promise<Member> {
    await this.decide((state) => {
      const { state: standing, identityKey } = this.#known(state, hospitalId);
      if (standing === 'revoked') throw new CoordinatorError('HOSPITAL_REVOKED', `${hospitalId} was revoked before`);
      return { type: 'revoked', hospitalId, identityKey, reason, by: { operator } };
    });
    return this.#known(this.#state, hospitalId);
  }

  /**
   * By the hospital itself, with any key that it has had since it joined: who stole one and changed it must not be able to
   * keep the hospital in.
   *
   * @param statement - of any origin. @returns undefined where it was revoked before.
   * @throws {@link ProtocolError} `HOSPITAL_UNKNOWN`, `SIGNATURE_INVALID`, `COORDINATOR_UNKNOWN`.
   */
  async revokeBySelf(statement: Statement<'revocation'>, envelope: Envelope): Promise<void> {
    const { hospitalId, identityKey, coordinatorKey } = statement;
    await this.decide((state) => {
      const member = state.members.get(hospitalId);
      if (member === undefined) throw new ProtocolError('HOSPITAL_UNKNOWN');
      if (coordinatorKey !== toHex(this.home.identity.publicKey)) throw new ProtocolError('COORDINATOR_UNKNOWN');
      if (!member.keys.includes(identityKey))
        throw new ProtocolError('SIGNATURE_INVALID', 'not a key of this hospital');
      if (member.state === 'revoked') return undefined;
      return { type: 'revoked', hospitalId, identityKey, reason: 'by the hospital itself', by: { hospital: envelope } };
    });
  }

  /** Keeps that something was refused; what is nobody's business, or too much of one kind, is not kept. */
  async noteRefusal(hospitalId: HospitalId, request: string, code: string): Promise<void> {
    await this.decide((state, at) =>
      state.isKnown(hospitalId) && state.hasRoomForRefusal(hospitalId, code, at)
        ? { type: 'refused', hospitalId, request, code }
        : undefined,
    );
  }

  /** What a hospital is told of itself. @throws {@link ProtocolError} `HOSPITAL_UNKNOWN`. */
  async statusOf(hospitalId: HospitalId): Promise<Envelope> {
    await this.refresh();
    const member = this.#state.members.get(hospitalId);
    if (member === undefined) throw new ProtocolError('HOSPITAL_UNKNOWN');
    const refusals = (this.#state.refusals.get(hospitalId) ?? []).map(({ at, code }) => ({ at, code }));
    return this.#sign('membership-status', {
      ...{ v: 1, from: 'coordinator', hospitalId, identityKey: member.identityKey, state: member.state, refusals },
      roster: [...this.#state.roster],
      approval: member.state === 'provisional' ? null : (member.approval?.statement ?? null),
      verifiedRoster: member.verified?.rosterDigest ?? null,
      at: this.now().toISOString(),
    }).envelope;
  }

  #known(state: MembershipState, hospitalId: HospitalId): Member {
    const member = state.members.get(hospitalId);
    if (member === undefined) throw new CoordinatorError('HOSPITAL_UNKNOWN', `no hospital ${hospitalId} has joined`);
    return member;
  }

  #sign<N extends 'invitation' | 'approval' | 'membership-status'>(name: N, body: Statement<N>) {
    return signStatement(name, body, 'coordinator', (bytes) => signBytes(this.home.identity, bytes));
  }

  async #card(): Promise<Envelope> {
    const file = join(this.home.directory, 'coordinator-card.json');
    const text = await readFile(file, 'utf8').catch(() => '');
    try {
      const { identityKey } = openSelfSigned('coordinator-card', text, verifyStrict);
      if (identityKey === toHex(this.home.identity.publicKey)) return JSON.parse(text) as Envelope;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
    throw new CoordinatorError(
      'NOT_INITIALISED',
      `${file} is not this coordinator's card: run consilium-coordinator init`,
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** @param check - returns what happens, nothing, or throws why it must not; it may be asked again. */
  decide(check: (state: MembershipState, at: string) => MembershipEvent | undefined): Promise<void> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        await this.#catchUp();
        const at = this.now().toISOString();
        const event = check(this.#state, at);
        if (event === undefined) return;
        if (await this.#journal.append(at, event)) {
          await this.#catchUp();
          return;
        }
      }
      throw new CoordinatorError('STORE_FAILED', 'the membership is changed by others without end');
    });
  }

  async #catchUp(): Promise<void> {
    for (const entry of await this.#journal.readNew()) {
      this.#state.apply(entry);
      for (const watcher of this.#watchers) watcher(entry);
    }
  }
}

export const isOpen = ({ state, expiresAt }: Invitation, at: string): boolean => state === 'open' && expiresAt > at;

export const wordsOfKey = (identityKey: string): string => keyWords(fromHex(identityKey));

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
