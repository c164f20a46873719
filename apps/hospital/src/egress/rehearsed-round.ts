/**
 * A secure round among hospitals that are not there: what a dry run is answered in the mode secagg. The others have nothing to
 * add, so that the sum, which is all that could be opened, says what this hospital's masked vector hides.
 */
import { fromHex, toHex } from '@consilium/bytes';
import { generateIdentity, signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import {
  openStatement,
  parseUnverified,
  signStatement,
  type Delivery,
  type Digest,
  type Envelope,
  type HospitalId,
  type Opened,
  type Parcel,
  type RunConfig,
  type Statement,
} from '@consilium/protocol';
import { SECURE_METRICS } from '@consilium/rounds';
import {
  acceptShares,
  acceptUnmask,
  advertise,
  agreeOnSurvivors,
  checkPlan,
  closeAgreement,
  closeRoster,
  closeShares,
  closeSurvivors,
  MaskedSum,
  maskUpdate,
  openSum,
  safeThreshold,
  shareSecrets,
  startRecord,
  unmask,
  type AgreedSession,
  type AdvertisedSession,
  type CheckedPlan,
  type Cohort,
  type DealtCohort,
  type DealtSession,
  type DecodedSum,
  type HospitalRecord,
  type LocalPolicy,
  type MaskedSession,
  type OpenSigned,
  type SurvivingCohort,
} from '@consilium/secagg';

const POLICY: LocalPolicy = { minTolerated: 0, minCohort: 2, maxPlanAgeMs: 86_400_000, clockToleranceMs: 60_000 };
/** As many images as a hospital can have least: it counts, and adds next to nothing. */
const PEER_EXAMPLES = 1;

/** As many as the run would have, and three at least. */
export const rehearsalPeers = (hospitals: number): Peer[] =>
  Array.from({ length: Math.max(2, hospitals - 1) }, (_, k) => ({
    hospitalId: `rehearsal-${k + 1}` as HospitalId,
    identity: generateIdentity(),
  }));

export interface Peer {
  readonly hospitalId: HospitalId;
  readonly identity: Identity;
}

interface Acting extends Peer {
  record: HospitalRecord;
  session?: AdvertisedSession | DealtSession | MaskedSession | AgreedSession;
}

/** What the sum opens to, as far as it is this hospital's. */
export interface OwnPart {
  /** Images that count. */
  readonly weight: number;
  readonly metrics: readonly number[];
  /** float32, shape (parameters,): the update as it was rounded onto the ring. */
  readonly update: Float32Array;
}

const openSigned: OpenSigned = (name, envelope, identityKey) =>
  openStatement(name, envelope, (bytes, signature) => verifyStrict(fromHex(identityKey), bytes, signature)) as never;

/** The plan of the first round, as an honest coordinator would make it of that configuration. */
export function rehearsedPlan(config: Opened<'run-config'>): Statement<'secagg-plan'> {
  const { runId, secagg, roster, minHospitals, weighting, clipNorm, parameters, initialModel, roundTimeoutMs } =
    config.body;
  const issuedAtMs = Date.now();
  if (secagg === undefined) throw new TypeError('a sealed run has no secure plan');
  const { tolerated, weightCap, zMax } = secagg;
  const members = [...roster].sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1));
  return {
    ...{
      v: 1,
      runId,
      round: 1,
      attempt: 1,
      issuedAtMs,
      deadlineMs: issuedAtMs + roundTimeoutMs,
      from: 'coordinator',
      mode: 'secagg',
      purpose: 'train',
    },
    ...{
      configDigest: config.digest,
      model: initialModel,
      tolerated,
      weighting,
      clipNorm,
      weightCap,
      zMax,
      parameters,
    },
    roster: members.map(({ hospitalId, identityKey }, i) => ({ hospitalId, identityKey, x: i + 1 })),
    threshold: safeThreshold(members.length, tolerated),
    minCohort: Math.min(minHospitals, members.length),
    metrics: SECURE_METRICS.map(({ name, max }) => ({ name, max })),
  };
}

export class RehearsedRound {
  readonly #plan: CheckedPlan;
  readonly #peers: readonly Acting[];
  #cohort!: Cohort;
  #dealt!: DealtCohort;
  #sum!: MaskedSum;
  #surviving!: SurvivingCohort;
  #deliveries: readonly Delivery[] = [];

  constructor(
    plan: Opened<'secagg-plan'>,
    private readonly own: HospitalId,
    peers: readonly Peer[],
  ) {
    this.#plan = checkPlan(plan);
    this.#peers = peers.map((peer) => ({ ...peer, record: startRecord(plan.body.runId) }));
  }

  /** What the dealers have for this hospital. */
  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  roster(advert: Envelope): Statement<'roster'> {
    const adverts = this.#peers.map((peer) => {
      const { send, keep } = advertise(peer.record, this.#plan, peer.hospitalId, POLICY, Date.now());
      advance(peer, keep);
      return sign(peer, 'advert', send);
    });
    const { send, keep } = closeRoster(this.#plan, [asSent('advert', advert), ...adverts]);
    this.#cohort = keep;
    return send as Statement<'roster'>;
  }

  deliver(roster: Statement<'roster'>, shares: Envelope, parcels: readonly Parcel[]): Statement<'deliver'> {
    const dealings = this.#peers.map((peer) => {
      const { send, keep } = shareSecrets(peer.record, peer.session as AdvertisedSession, roster, openSigned);
      advance(peer, keep);
      return acceptShares(this.#cohort, sign(peer, 'shares', send.statement), send.parcels);
    });
    const { send, keep } = closeShares(this.#cohort, [
      acceptShares(this.#cohort, asSent('shares', shares), parcels),
      ...dealings,
    ]);
    this.#dealt = keep;
    this.#sum = new MaskedSum(keep);
    for (const peer of this.#peers) {
      const due = send.get(peer.hospitalId);
      if (due === undefined) throw new Error('nobody deals to a rehearsed hospital');
      const nothing = new Float32Array(this.#plan.body.parameters);
      const mine = { update: nothing, examples: PEER_EXAMPLES, metrics: SECURE_METRICS.map(() => 0) };
      const step = maskUpdate(peer.record, peer.session as DealtSession, due, mine, openSigned);
      advance(peer, step.keep);
      this.#sum.add(step.send.statement, step.send.vector);
    }
    this.#deliveries = (send.get(this.own)?.deliveries ?? []) as readonly Delivery[];
    const { v, runId, round, attempt } = this.#plan.body;
    return {
      ...{ v, round, attempt, from: 'coordinator', runId: runId as RunConfig['runId'] },
      ...{ planDigest: this.#plan.digest as Digest, sessionId: keep.sessionId as Digest },
      dealers: keep.dealt.map(({ x }) => x),
    };
  }

  survivors(masked: Envelope, vector: Uint8Array): Statement<'survivors'> {
    const words = new Uint32Array(Uint8Array.from(vector).buffer);
    this.#sum.add(parseUnverified('masked', masked).body, words);
    const { send, keep } = closeSurvivors(this.#dealt, this.#sum);
    this.#surviving = keep;
    return send as Statement<'survivors'>;
  }

  unmaskRequest(survivors: Statement<'survivors'>, agree: Envelope): Statement<'unmask-request'> {
    const agrees = this.#peers.map((peer) => {
      const { send, keep } = agreeOnSurvivors(peer.record, peer.session as MaskedSession, survivors);
      advance(peer, keep);
      return sign(peer, 'agree', send);
    });
    return closeAgreement(this.#surviving, [asSent('agree', agree), ...agrees]) as Statement<'unmask-request'>;
  }

  /** The sum, of which the others' part is known here. */
  ownPart(request: Statement<'unmask-request'>, said: Envelope): OwnPart {
    const replies = this.#peers.map(
      (peer) => unmask(peer.record, peer.session as AgreedSession, request, openSigned).send,
    );
    const all = [parseUnverified('unmask', said).body, ...replies];
    const { keep } = openSum(
      this.#surviving,
      all.map((reply) => acceptUnmask(this.#surviving, reply)),
    );
    const { weight, metrics, mean }: DecodedSum = keep.decoded;
    const own = weight - this.#peers.length * PEER_EXAMPLES;
    return { weight: own, metrics, update: Float32Array.from(mean, (value) => (value * weight) / own) };
  }
}

function advance(peer: Acting, { record, session }: { record: HospitalRecord; session: Acting['session'] }): void {
  peer.record = record;
  if (session !== undefined) peer.session = session;
}

type Forwarded = 'advert' | 'shares' | 'agree';

const sign = <N extends Forwarded>({ hospitalId, identity }: Peer, name: N, body: object): Opened<N> =>
  signStatement(name, body as never, hospitalId, (bytes) => signBytes(identity, bytes));

/** By the hospital beside us: its signature is its own business. */
const asSent = <N extends Forwarded>(name: N, envelope: Envelope): Opened<N> => parseUnverified(name, envelope);

/** Where the keys of a rehearsed roster come from. */
export const rosterOf = (own: Peer, peers: readonly Peer[]): RunConfig['roster'] =>
  [own, ...peers]
    .map(({ hospitalId, identity }) => ({ hospitalId, identityKey: toHex(identity.publicKey) }))
    .sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1));
