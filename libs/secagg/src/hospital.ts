/**
 * A hospital's side, one function for each thing that it says. Each takes what it remembers (the durable record) and what
 * it holds (the session, in memory), and returns `send` and `keep`: `send` may leave once `keep.record` is durable;
 * `keep.session` never leaves, and has no encoder. A thrown error changes nothing.
 */
import { canonicalJson, toHex } from '@consilium/bytes';
import { addKeystreams, secretBytes } from '@consilium/crypto';
import {
  type Cohort,
  formCohort,
  type Member,
  membersAt,
  openAdverts,
  requireSession,
  rosterEntry,
  sessionHeader,
} from './cohort.js';
import { dealtSetDigest, survivorsDigest, vectorRoot } from './digests.js';
import { type Contribution, encodeContribution } from './encoding.js';
import { SecAggError } from './errors.js';
import { type AttemptKeys, commitSelfSeed, forgetKeys, generateAttemptKeys } from './keys.js';
import { forgetMasks, ownMasks } from './masks.js';
import type * as message from './messages.js';
import { type CheckedPlan, requireEnough } from './params.js';
import { type HospitalRecord, type LocalPolicy, recordAdvert, recordAgreed, recordDealt } from './record.js';
import { recordMasked, recordUnmasked } from './record.js';
import { requireQuorum } from './quorum.js';
import { dealShares, forgetPair, parcelOpener, type SharePair } from './shares.js';
import { COORDINATOR, headerOf, openForwarded, requireHeader } from './statements.js';

export interface Step<Send, Session> {
  readonly send: Send;
  readonly keep: { readonly record: HospitalRecord; readonly session: Session };
}

/** Keys were made; nobody else has anything of them but the advert. */
export interface AdvertisedSession {
  readonly plan: CheckedPlan;
  readonly advert: message.Advert;
  readonly keys: AttemptKeys;
}
/** The cohort is known, and shares of both secrets lie with it. */
export interface DealtSession {
  readonly cohort: Cohort;
  readonly self: Member;
  readonly shareRoot: string;
  readonly keys: AttemptKeys;
}
/** Own keys are gone; what is left to give are the others' shares. */
export interface MaskedSession {
  readonly cohort: Cohort;
  readonly self: Member;
  readonly dealt: readonly Member[];
  readonly held: ReadonlyMap<number, SharePair>;
  readonly yRoot: string;
}
export interface AgreedSession extends MaskedSession {
  readonly survivors: readonly message.Survivor[];
  readonly survivorsDigest: string;
}
/** Nothing secret is left: what a hospital needs to check the aggregate. */
export interface UnmaskedSession {
  readonly cohort: Cohort;
  readonly dealt: readonly Member[];
  readonly survivors: readonly message.Survivor[];
}

/** A vector that may leave: count, weight, metrics and coordinates under masks, u32, shape (D,). */
export interface MaskedUpdate {
  readonly statement: message.Masked;
  readonly vector: Uint32Array;
}

const NONCE_BYTES = 16;

/**
 * Answers a plan with fresh keys.
 *
 * @param hospitalId - this hospital's own, one of the plan's.
 * @throws {@link SecAggError} as {@link recordAdvert}, or `WRONG_CONTEXT` if the plan does not name it.
 */
export function advertise(
  record: HospitalRecord,
  plan: CheckedPlan,
  hospitalId: string,
  policy: LocalPolicy,
  nowMs: number,
): Step<message.Advert, AdvertisedSession> {
  const next = recordAdvert(record, plan, policy, nowMs);
  const header = headerOf(plan, rosterEntry(plan, hospitalId).hospitalId);
  const keys = generateAttemptKeys();
  const advert = {
    ...header,
    maskKey: toHex(keys.mask.publicKey),
    encryptionKey: toHex(keys.encryption.publicKey),
    seedCommit: commitSelfSeed(plan.digest, keys.mask.publicKey, keys.selfSeed),
    nonce: toHex(secretBytes(NONCE_BYTES)),
  };
  return { send: advert, keep: { record: next, session: { plan, advert, keys } } };
}

/**
 * Checks everybody's keys, and shares its own secrets with them.
 *
 * @param roster - the coordinator's, its signature verified; every advert in it is hostile until `open` has seen it.
 * @throws {@link SecAggError} `WRONG_CONTEXT`, `FORGED`, `BAD_ADVERT`, `SPLIT_VIEW`, `TOO_FEW`, `ALREADY_SAID`.
 */
export function shareSecrets(
  record: HospitalRecord,
  { plan, advert, keys }: AdvertisedSession,
  roster: message.Roster,
  open: message.OpenSigned,
): Step<{ readonly statement: message.Shares; readonly parcels: readonly message.Parcel[] }, DealtSession> {
  requireHeader(plan, COORDINATOR, roster);
  const adverts = openAdverts(plan, roster.adverts, open);
  const own = adverts.find(({ body }) => body.from === advert.from);
  if (!own || canonicalJson(own.body) !== canonicalJson(advert)) {
    throw new SecAggError('SPLIT_VIEW', 'the roster does not have the keys that this hospital sent');
  }
  const cohort = formCohort(plan, adverts);
  const self = cohort.members.find(({ hospitalId }) => hospitalId === advert.from) as Member;
  const next = recordDealt(record, plan, cohort.sessionId);
  const { shareRoot, parcels } = dealShares(cohort, self, keys);
  const statement = { ...sessionHeader(cohort, self.hospitalId), shareRoot };
  return { send: { statement, parcels }, keep: { record: next, session: { cohort, self, shareRoot, keys } } };
}

/** Every dealer's shares for this hospital, or the reason why the attempt ends here. */
function receiveShares(
  { cohort, self, shareRoot, keys }: DealtSession,
  deliver: message.Deliver,
  open: message.OpenSigned,
): { dealt: readonly Member[]; held: Map<number, SharePair> } {
  requireSession(cohort, COORDINATOR, deliver);
  const dealt = membersAt(
    cohort.members,
    deliver.deliveries.map(({ x }) => x),
  );
  if (!dealt?.includes(self)) throw new SecAggError('SPLIT_VIEW', 'the dealers are not those of this session');
  requireEnough(cohort.plan, dealt.length, 'hospitals dealt shares');
  const held = new Map<number, SharePair>();
  const openParcel = parcelOpener(cohort, self, keys.encryption.secretKey);
  const receive = (dealer: Member, delivery: message.Delivery): void => {
    const { body } = openForwarded(open, 'shares', delivery.head, dealer);
    requireSession(cohort, dealer.hospitalId, body);
    if (dealer === self && body.shareRoot !== shareRoot) {
      throw new SecAggError('SPLIT_VIEW', 'these are not the shares that this hospital dealt');
    }
    held.set(dealer.x, openParcel(dealer, body.shareRoot, delivery));
  };
  keeping(held, () => {
    dealt.forEach((dealer, at) => {
      receive(dealer, deliver.deliveries[at] as message.Delivery);
    });
  });
  return { dealt, held };
}

/**
 * Encodes and masks the update. Afterwards this hospital cannot unmask its own vector: its keys are overwritten.
 *
 * @param deliver - hostile.
 * @throws {@link SecAggError} `BAD_SHARE` with the dealer: send {@link complain} and leave the attempt. `FORGED`,
 * `SPLIT_VIEW`, `TOO_FEW`, `WRONG_CONTEXT`, `ALREADY_SAID`; and what {@link encodeContribution} refuses.
 */
export function maskUpdate(
  record: HospitalRecord,
  session: DealtSession,
  deliver: message.Deliver,
  contribution: Contribution,
  open: message.OpenSigned,
): Step<MaskedUpdate, MaskedSession> {
  const { cohort, self, keys } = session;
  const { dealt, held } = receiveShares(session, deliver, open);
  return keeping(held, () => {
    const u2Digest = dealtSetDigest(cohort.sessionId, dealt);
    const next = recordMasked(record, cohort.sessionId, u2Digest);
    const vector = encodeContribution(cohort.plan, cohort.sessionId, contribution);
    const masks = ownMasks(cohort, dealt, self, keys);
    try {
      addKeystreams(vector, masks);
    } finally {
      forgetMasks(masks);
    }
    forgetKeys(keys);
    const yRoot = vectorRoot(vector);
    const statement = { ...sessionHeader(cohort, self.hospitalId), u2Digest, words: vector.length, yRoot };
    return { send: { statement, vector }, keep: { record: next, session: { cohort, self, dealt, held, yRoot } } };
  });
}

/** Shares that were received are overwritten if the work fails: nothing else holds them then. */
function keeping<T>(held: ReadonlyMap<number, SharePair>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    for (const pair of held.values()) forgetPair(pair);
    throw error;
  }
}

/** What to send after {@link maskUpdate} refused a dealer's share. */
export function complain({ cohort, self }: DealtSession, error: SecAggError): message.Complaint {
  if (error.code !== 'BAD_SHARE' || error.accused === null) throw new RangeError('complaints are about bad shares');
  return { ...sessionHeader(cohort, self.hospitalId), accused: error.accused };
}

/**
 * Signs the one survivor set that this hospital will help to open.
 *
 * @param survivors - the coordinator's, its signature verified.
 * @throws {@link SecAggError} `SPLIT_VIEW`, `TOO_FEW`, `WRONG_CONTEXT`; `ALREADY_SAID` for a second set.
 */
export function agreeOnSurvivors(
  record: HospitalRecord,
  session: MaskedSession,
  { survivors, ...header }: message.Survivors,
): Step<message.Agree, AgreedSession> {
  const { cohort, self, dealt, yRoot } = session;
  requireSession(cohort, COORDINATOR, header);
  const members = membersAt(
    dealt,
    survivors.map(({ x }) => x),
  );
  if (!members || survivors.find(({ x }) => x === self.x)?.yRoot !== yRoot) {
    throw new SecAggError('SPLIT_VIEW', 'the survivors are not those of this session, or not with this vector');
  }
  requireEnough(cohort.plan, members.length, 'hospitals sent a vector');
  const digest = survivorsDigest(cohort.sessionId, survivors);
  const next = recordAgreed(record, cohort.sessionId, digest);
  const send = { ...sessionHeader(cohort, self.hospitalId), survivorsDigest: digest };
  return { send, keep: { record: next, session: { ...session, survivors, survivorsDigest: digest } } };
}

/**
 * Gives, for each hospital that dealt, one share of one of its two secrets: of the self seed if its vector is in the sum,
 * of the mask key if it is not. Never both: which one follows from the set that a quorum signed.
 *
 * @throws {@link SecAggError} `FORGED`, `SPLIT_VIEW`, `TOO_FEW`, `WRONG_CONTEXT`; `ALREADY_SAID` for a second time.
 */
export function unmask(
  record: HospitalRecord,
  session: AgreedSession,
  request: message.UnmaskRequest,
  open: message.OpenSigned,
): Step<message.Unmask, UnmaskedSession> {
  const { cohort, self, dealt, held, survivors, survivorsDigest: digest } = session;
  requireSession(cohort, COORDINATOR, request);
  requireQuorum(cohort, survivors, digest, request.agrees, open);
  const next = recordUnmasked(record, cohort.sessionId, digest);
  const alive = new Set(survivors.map(({ x }) => x));
  const reveal = (isAlive: boolean, type: keyof SharePair): message.RevealedShare[] =>
    dealt
      .filter(({ x }) => alive.has(x) === isAlive)
      .map(({ x }) => ({ x, share: toHex((held.get(x) as SharePair)[type]) }));
  const send = {
    ...sessionHeader(cohort, self.hospitalId),
    selfSeeds: reveal(true, 'selfSeed'),
    maskKeys: reveal(false, 'maskKey'),
  };
  forgetShares(session);
  return { send, keep: { record: next, session: { cohort, dealt, survivors } } };
}

function forgetShares({ held }: MaskedSession): void {
  for (const pair of held.values()) forgetPair(pair);
}

/** R6: overwrites whatever an attempt still holds. For every way out: an abort, a refusal, the time-out. */
export function forget(session: AdvertisedSession | DealtSession | MaskedSession): void {
  if ('keys' in session) forgetKeys(session.keys);
  if ('held' in session) forgetShares(session);
}
