/**
 * This hospital's part in one attempt of a secure round, from its keys to its shares: libs/secagg, with the record on the
 * disk before each word leaves. Secrets are in memory only: a process that dies has dropped out of the attempt.
 */
import { digestBlob, signBytes } from '@consilium/crypto';
import { signStatement, type Digest, type Envelope, type Parcel, type Statement } from '@consilium/protocol';
import {
  advertise,
  agreeOnSurvivors,
  complain,
  forget,
  maskUpdate,
  SecAggError,
  shareSecrets,
  unmask,
  type AdvertisedSession,
  type AgreedSession,
  type CheckedPlan,
  type Contribution,
  type DealtSession,
  type HospitalRecord,
  type LocalPolicy,
  type MaskedSession,
  type UnmaskedSession,
  type Witness,
} from '@consilium/secagg';
import { Refused, type CoordinatorChannel, type CoordinatorStatement } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import { openSigned } from './forwarded.js';

/** The record of {@link HospitalRecord}: durable when `write` resolves. */
export interface RecordKeeper {
  readonly current: HospitalRecord;
  write(record: HospitalRecord): Promise<void>;
}

export interface ExchangePorts extends Credentials {
  readonly channel: CoordinatorChannel;
  readonly records: RecordKeeper;
}

type Session =
  | { readonly at: 'advertised'; readonly held: AdvertisedSession }
  | { readonly at: 'dealt'; readonly held: DealtSession }
  | { readonly at: 'masked'; readonly held: MaskedSession }
  | { readonly at: 'agreed'; readonly held: AgreedSession }
  | { readonly at: 'unmasked'; readonly held: UnmaskedSession }
  /** Nothing secret is left; `witness` of a sum that this hospital had helped to open. */
  | { readonly at: 'left'; readonly witness: Witness | undefined };

export type StageStatement = Extract<
  CoordinatorStatement,
  { name: 'roster' | 'deliver' | 'survivors' | 'unmask-request' }
>;

/** The attempt goes on without this hospital: nothing was altered, and nothing of it is asked for. */
export class LeftOut extends Error {
  override readonly name = 'LeftOut';
}

type Said = 'advert' | 'shares' | 'complaint' | 'masked' | 'agree' | 'unmask';

export class SecureExchange {
  #session: Session = { at: 'left', witness: undefined };
  /** Was left; what has not begun never does. */
  #isOver = false;

  /** @param contribution - secret; its update is not modified, and is the caller's to erase. */
  constructor(
    readonly plan: CheckedPlan,
    private readonly contribution: Contribution,
    private readonly policy: LocalPolicy,
    /** Within the plan's time: how far the clock is off is judged before. */
    private readonly nowMs: () => number,
    private readonly ports: ExchangePorts,
  ) {}

  /** What this hospital knows of a session that it helped to open, the agreement of t others included; undefined if it did not. */
  get witness(): Witness | undefined {
    const session = this.#session;
    if (session.at === 'left') return session.witness;
    return session.at === 'unmasked' ? session.held : undefined;
  }

  /**
   * Says that the update is there, with fresh keys.
   *
   * @throws {@link SecAggError} as `advertise`; {@link Refused} when the coordinator goes on without this hospital.
   */
  begin(): Promise<void> {
    return this.#orLeave(async () => {
      const { records, hospitalId } = this.ports;
      if (this.#isOver) throw new LeftOut('the time of this attempt is over');
      const { send, keep } = advertise(records.current, this.plan, hospitalId, this.policy, this.nowMs());
      this.#session = { at: 'advertised', held: keep.session };
      // The record is durable here; a crash after this line loses the keys, and never answers the plan with others.
      await records.write(keep.record);
      this.#requireHeld(keep.session);
      await this.ports.channel.request('advert', { statement: this.#sign('advert', send) });
    });
  }

  /**
   * The next word of the coordinator; one that was heard before, or that comes too late, changes nothing. Whatever is thrown,
   * the attempt is over for this hospital: its secrets are gone, and no later word is answered.
   *
   * @throws {@link SecAggError} when it breaks the protocol.
   * @throws {@link Refused} when the coordinator goes on without this hospital.
   */
  hear(statement: StageStatement): Promise<void> {
    return this.#orLeave(() => this.#answer(statement));
  }

  async #answer(statement: StageStatement): Promise<void> {
    switch (statement.name) {
      case 'roster':
        if (this.#session.at === 'advertised') await this.#share(this.#session.held, statement.body);
        return;
      case 'deliver':
        if (this.#session.at === 'dealt') await this.#mask(this.#session.held, statement.body);
        return;
      case 'survivors':
        if (this.#session.at === 'masked') await this.#agree(this.#session.held, statement.body);
        return;
      case 'unmask-request':
        if (this.#session.at === 'agreed') await this.#unmask(this.#session.held, statement.body);
    }
  }

  async #share(held: AdvertisedSession, roster: Statement<'roster'>): Promise<void> {
    const { records, channel } = this.ports;
    this.#requireOwn(roster.adverts.map(({ x }) => x));
    const { send, keep } = shareSecrets(records.current, held, roster, openSigned);
    this.#session = { at: 'dealt', held: keep.session };
    await records.write(keep.record);
    this.#requireHeld(keep.session);
    const parcels = send.parcels as Parcel[];
    await channel.request('shares', { statement: this.#sign('shares', send.statement), parcels });
  }

  async #mask(held: DealtSession, deliver: Statement<'deliver'>): Promise<void> {
    const { records, channel } = this.ports;
    const { dealers, ...header } = deliver;
    this.#requireOwn(dealers);
    const runId = deliver.runId;
    const { deliveries } = await channel.request('deliveries.read', { runId, planDigest: deliver.planDigest });
    this.#requireHeld(held);
    // The coordinator signed who the dealers are; each one's words are signed by itself.
    const due = { ...header, deliveries: deliveries.filter(({ x }) => dealers.includes(x)) };
    let step: ReturnType<typeof maskUpdate>;
    try {
      step = maskUpdate(records.current, held, due, this.contribution, openSigned);
    } catch (error) {
      if (error instanceof SecAggError && error.code === 'BAD_SHARE') {
        this.leave();
        await channel.request('complaint', { statement: this.#sign('complaint', complain(held, error)) });
      }
      throw error;
    }
    const { send, keep } = step;
    this.#session = { at: 'masked', held: keep.session };
    await records.write(keep.record);
    this.#requireHeld(keep.session);
    const { statement, vector } = send;
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
    const blobDigest = digestBlob(bytes) as Digest;
    const masked = this.#sign('masked', { ...statement, blobDigest, blobBytes: bytes.length });
    await channel.sendUpdate(runId, { statement: masked, blobDigest, sealed: bytes });
  }

  async #agree(held: MaskedSession, survivors: Statement<'survivors'>): Promise<void> {
    const { records, channel } = this.ports;
    this.#requireOwn(survivors.survivors.map(({ x }) => x));
    const { send, keep } = agreeOnSurvivors(records.current, held, survivors);
    this.#session = { at: 'agreed', held: keep.session };
    await records.write(keep.record);
    this.#requireHeld(keep.session);
    await unlessOver(channel.request('agree', { statement: this.#sign('agree', send) }));
  }

  async #unmask(held: AgreedSession, request: Statement<'unmask-request'>): Promise<void> {
    const { records, channel } = this.ports;
    const { send, keep } = unmask(records.current, held, request, openSigned);
    this.#session = { at: 'unmasked', held: keep.session };
    // From here on no other attempt of this round, whatever becomes of this one.
    await records.write(keep.record);
    this.#requireHeld(keep.session);
    await unlessOver(channel.request('unmask', { statement: this.#sign('unmask', send) }));
  }

  /** @throws {@link LeftOut} unless this hospital is among them; what is said of it is then checked. */
  #requireOwn(xs: readonly number[]): void {
    const own = this.plan.body.roster.find(({ hospitalId }) => hospitalId === this.ports.hospitalId)?.x ?? 0;
    if (!xs.includes(own)) throw new LeftOut('the coordinator goes on without this hospital');
  }

  /** Overwrites every secret of the attempt: after its sum, and on every other way out. Nothing is answered any more. */
  leave(): void {
    const { witness } = this;
    const session = this.#session;
    if (session.at !== 'left' && session.at !== 'unmasked') forget(session.held);
    this.#session = { at: 'left', witness };
    this.#isOver = true;
  }

  async #orLeave(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** After every wait: what was held may have been overwritten meanwhile, and must not be used then. */
  #requireHeld(held: object): void {
    if (this.#session.at === 'left' || this.#session.held !== held) {
      throw new LeftOut('the time of this attempt is over');
    }
  }

  #sign(name: Said, body: object): Envelope {
    const { identity, hospitalId } = this.ports;
    // The library's bodies have the form of the statements; the schema is what decides.
    return signStatement(name, body as never, hospitalId, (bytes) => signBytes(identity, bytes)).envelope;
  }
}

/** Enough others have spoken already: nothing is missed. */
async function unlessOver(said: Promise<unknown>): Promise<void> {
  await said.catch((error: unknown) => {
    if (!(error instanceof Refused && error.code === 'ROUND_CLOSED')) throw error;
  });
}
