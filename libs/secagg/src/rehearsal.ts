/**
 * A whole round in one process, stage by stage, for the tests: every value that passes between two parties can be read and
 * altered on its way. Statements are signed as in libs/protocol (DSSE over canonical JSON, Ed25519), without its schemas.
 */
import { canonicalBytes, concatBytes, fromBase64, fromHex, toBase64, toHex, utf8 } from '@consilium/bytes';
import { parseCanonicalJson, type Json } from '@consilium/bytes';
import { digestBlob, generateIdentity, type Identity, signBytes, verifyStrict } from '@consilium/crypto';
import * as coordinator from './coordinator.js';
import type { Contribution } from './encoding.js';
import * as hospital from './hospital.js';
import { MaskedSum } from './masked-sum.js';
import type * as message from './messages.js';
import { type CheckedPlan, checkPlan, safeThreshold, type SecAggPlan } from './params.js';
import { type HospitalRecord, type LocalPolicy, startRecord } from './record.js';
import { openSum } from './unmasking.js';

const NOW_MS = 1_800_000_000_000;
export const policy: LocalPolicy = { minTolerated: 0, minCohort: 1, maxPlanAgeMs: 600_000, clockToleranceMs: 60_000 };

const preAuth = (name: string, body: Uint8Array): Uint8Array => {
  const type = `application/vnd.consilium.${name}.v1+json`;
  return concatBytes(utf8(`DSSEv1 ${type.length} ${type} ${body.length} `), body);
};

export function signStatement<Body extends object>(name: string, body: Body, identity: Identity): message.Opened<Body> {
  const payload = canonicalBytes(body as unknown as Json);
  const signed = preAuth(name, payload);
  return {
    body,
    digest: digestBlob(signed),
    envelope: { payload: toBase64(payload), sig: toBase64(signBytes(identity, signed)) },
  };
}

export const openSigned: message.OpenSigned = (name, envelope, identityKey) => {
  const { payload, sig } = envelope as { payload: string; sig: string };
  const signed = preAuth(name, fromBase64(payload));
  if (!verifyStrict(fromHex(identityKey), signed, fromBase64(sig))) throw new Error('SIGNATURE_INVALID');
  return { body: parseCanonicalJson(fromBase64(payload)) as never, digest: digestBlob(signed), envelope };
};

/** One hospital of the play: what it remembers and holds. */
export interface Actor {
  readonly id: string;
  readonly x: number;
  readonly identity: Identity;
  record: HospitalRecord;
  advertised: hospital.AdvertisedSession;
  dealt: hospital.DealtSession;
  masked: hospital.MaskedSession;
  agreed: hospital.AgreedSession;
  unmasked: hospital.UnmaskedSession;
}

export const planOf = (actors: readonly Actor[], changes: Partial<SecAggPlan> = {}): SecAggPlan => {
  const tolerated = changes.tolerated ?? Math.min(Math.floor((actors.length - 1) / 3), actors.length - 2);
  return {
    ...{ v: 1, runId: 'run-1', round: 1, attempt: 1, from: 'coordinator', mode: 'secagg' },
    ...{ configDigest: '00'.repeat(32), model: '11'.repeat(32), tolerated, minCohort: 1 },
    threshold: safeThreshold(actors.length, tolerated),
    roster: actors.map(({ id, x, identity }) => ({ hospitalId: id, x, identityKey: toHex(identity.publicKey) })),
    ...{ weighting: 'examples', clipNorm: '4', weightCap: 1_000, zMax: 2 ** 23 - 1, parameters: 20, metrics: [] },
    ...{ issuedAtMs: NOW_MS, deadlineMs: NOW_MS + 300_000 },
    ...changes,
  };
};

/** Made once: tweetnacl takes 4 ms for one. */
const identities: Identity[] = [];
export const actors = (count: number): Actor[] =>
  Array.from({ length: count }, (_, i) => {
    const own = {
      id: `h${i + 1}`,
      x: i + 1,
      identity: (identities[i] ??= generateIdentity()),
      record: startRecord('run-1'),
    };
    // Sessions come stage by stage; a test that reads one too early fails on undefined.
    return own as unknown as Actor;
  });

const director = generateIdentity();
export const checkedPlan = (body: SecAggPlan): CheckedPlan => checkPlan(signStatement('secagg-plan', body, director));

type Signed<Body> = message.Opened<Body>;

/** Who is away from a stage on. */
export interface Absences {
  readonly shares?: readonly number[];
  readonly masked?: readonly number[];
  readonly agree?: readonly number[];
  readonly unmask?: readonly number[];
}

export class Rehearsal {
  readonly plan: CheckedPlan;
  cohort!: ReturnType<typeof coordinator.closeRoster>['keep'];
  dealt!: ReturnType<typeof coordinator.closeShares>['keep'];
  sum!: MaskedSum;
  surviving!: ReturnType<typeof coordinator.closeSurvivors>['keep'];
  /** What each vector was, as it left: by x. */
  readonly vectors = new Map<number, Uint32Array>();

  constructor(
    readonly all: readonly Actor[],
    changes: Partial<SecAggPlan> = {},
    readonly contributionOf: (actor: Actor) => Contribution = ({ x }) =>
      sampleContribution(x, changes.parameters ?? 20),
  ) {
    this.plan = checkedPlan(planOf(all, changes));
  }

  adverts(who: readonly Actor[] = this.all): Signed<message.Advert>[] {
    return who.map((actor) => {
      const { send, keep } = hospital.advertise(actor.record, this.plan, actor.id, policy, NOW_MS);
      [actor.record, actor.advertised] = [keep.record, keep.session];
      return signStatement('advert', send, actor.identity);
    });
  }

  roster(adverts: readonly Signed<message.Advert>[]): message.Roster {
    const { send, keep } = coordinator.closeRoster(this.plan, adverts);
    this.cohort = keep;
    return send;
  }

  share(actor: Actor, roster: message.Roster): [Signed<message.Shares>, readonly message.Parcel[]] {
    const { send, keep } = hospital.shareSecrets(actor.record, actor.advertised, roster, openSigned);
    [actor.record, actor.dealt] = [keep.record, keep.session];
    return [signStatement('shares', send.statement, actor.identity), send.parcels];
  }

  deliver(
    shares: readonly [Signed<message.Shares>, readonly message.Parcel[]][],
  ): ReadonlyMap<string, message.Deliver> {
    const dealings = shares.map(([opened, parcels]) => coordinator.acceptShares(this.cohort, opened, parcels));
    const { send, keep } = coordinator.closeShares(this.cohort, dealings);
    this.dealt = keep;
    this.sum = new MaskedSum(keep);
    return send;
  }

  mask(actor: Actor, deliver: ReadonlyMap<string, message.Deliver>): hospital.MaskedUpdate {
    const due = deliver.get(actor.id) as message.Deliver;
    const mine = this.contributionOf(actor);
    const { send, keep } = hospital.maskUpdate(actor.record, actor.dealt, due, mine, openSigned);
    [actor.record, actor.masked] = [keep.record, keep.session];
    this.vectors.set(actor.x, send.vector);
    return send;
  }

  survivors(): message.Survivors {
    const { send, keep } = coordinator.closeSurvivors(this.dealt, this.sum);
    this.surviving = keep;
    return send;
  }

  agree(actor: Actor, survivors: message.Survivors): Signed<message.Agree> {
    const { send, keep } = hospital.agreeOnSurvivors(actor.record, actor.masked, survivors);
    [actor.record, actor.agreed] = [keep.record, keep.session];
    return signStatement('agree', send, actor.identity);
  }

  unmask(actor: Actor, request: message.UnmaskRequest): message.Unmask {
    const { send, keep } = hospital.unmask(actor.record, actor.agreed, request, openSigned);
    [actor.record, actor.unmasked] = [keep.record, keep.session];
    return send;
  }

  /** Up to the vectors, which are in the sum afterwards. */
  toSum(away: Absences = {}, who: readonly Actor[] = this.all): readonly Actor[] {
    const roster = this.roster(this.adverts(who));
    const dealers = present(who, away.shares);
    const delivered = this.deliver(dealers.map((actor) => this.share(actor, roster)));
    const senders = present(dealers, away.masked);
    for (const actor of senders) {
      const { statement, vector } = this.mask(actor, delivered);
      this.sum.add(statement, vector);
    }
    return senders;
  }

  toRequest(away: Absences = {}, who?: readonly Actor[]): { request: message.UnmaskRequest; agreed: readonly Actor[] } {
    const senders = this.toSum(away, who);
    const survivors = this.survivors();
    const agreed = present(senders, away.agree);
    const agrees = agreed.map((actor) => this.agree(actor, survivors));
    return { request: coordinator.closeAgreement(this.surviving, agrees), agreed };
  }

  /** The whole round. */
  lead(away: Absences = {}, who?: readonly Actor[]): ReturnType<typeof openSum> {
    const { request, agreed } = this.toRequest(away, who);
    return this.open(present(agreed, away.unmask).map((actor) => this.unmask(actor, request)));
  }

  open(unmasks: readonly message.Unmask[]): ReturnType<typeof openSum> {
    return openSum(
      this.surviving,
      unmasks.map((reply) => coordinator.acceptUnmask(this.surviving, reply)),
    );
  }
}

const present = (who: readonly Actor[], away: readonly number[] = []): readonly Actor[] =>
  who.filter(({ x }) => !away.includes(x));

/** Norm below 4 up to a million parameters; different for each x. */
export const sampleContribution = (x: number, parameters: number): Contribution => ({
  update: Float32Array.from({ length: parameters }, (_, k) => (((k * 37 + x * 101) % 201) - 100) / 2 ** 14),
  examples: 100 + x,
  metrics: [],
});

export const at = (all: readonly Actor[], x: number): Actor => all[x - 1] as Actor;

/** n = 5, c = 1: t = 4, and one may drop out. */
export const five = (): [Actor[], Rehearsal] => {
  const all = actors(5);
  return [all, new Rehearsal(all, { tolerated: 1 })];
};

export type Delivered = ReadonlyMap<string, message.Deliver>;

/** All five have dealt; the deliveries are not sent yet. */
export function dealtRound(): { all: Actor[]; round: Rehearsal; delivered: Delivered } {
  const [all, round] = five();
  const roster = round.roster(round.adverts());
  return { all, round, delivered: round.deliver(all.map((actor) => round.share(actor, roster))) };
}

/** From the sum to its opening, with everybody. */
export function finish(round: Rehearsal, all: readonly Actor[]): ReturnType<typeof openSum> {
  const survivors = round.survivors();
  const agrees = all.map((actor) => round.agree(actor, survivors));
  const request = coordinator.closeAgreement(round.surviving, agrees);
  return round.open(all.map((actor) => round.unmask(actor, request)));
}
