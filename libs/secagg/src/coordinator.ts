/**
 * The coordinator's side: what it checks of each hospital's statement when it comes, and what it says when a stage is
 * closed. Pure but for the sum: the flow (timers, stores, sockets) is elsewhere. The caller has verified each statement
 * under the identity key of the hospital in whose name it is.
 */
import { fromHex, toHex } from '@consilium/bytes';
import { type Cohort, type DealtCohort, formCohort, type Member, requireSession, sessionHeader } from './cohort.js';
import { dealtSetDigest, survivorsDigest } from './digests.js';
import { SecAggError } from './errors.js';
import type { MaskedSum } from './masked-sum.js';
import { rootOf, type Tree } from './merkle.js';
import type * as message from './messages.js';
import { type CheckedPlan, requireEnough } from './params.js';
import { parcelProofs, parcelTree, shareDigests } from './shares.js';
import { COORDINATOR, headerOf } from './statements.js';

export interface Stage<Send, Keep> {
  readonly send: Send;
  readonly keep: Keep;
}

const forward = ({ x }: Member, { envelope }: message.Opened<unknown>): message.Forward => ({ x, envelope });

function author(members: readonly Member[], header: message.Header): Member {
  const member = members.find(({ hospitalId }) => hospitalId === header.from);
  if (!member) throw new SecAggError('WRONG_CONTEXT', 'the sender is not in this set');
  return member;
}

/**
 * U1: nobody joins after this.
 *
 * @param adverts - one for each hospital at most; `checkAdvert` has refused bad ones when they came.
 * @throws {@link SecAggError} `TOO_FEW`; `BAD_ADVERT` with whom to leave out.
 */
export function closeRoster(
  plan: CheckedPlan,
  adverts: readonly message.Opened<message.Advert>[],
): Stage<message.Roster, Cohort> {
  const cohort = formCohort(plan, adverts);
  const forwards = cohort.members.flatMap((member) =>
    adverts.filter(({ body }) => body.from === member.hospitalId).map((advert) => forward(member, advert)),
  );
  return { send: { ...headerOf(plan, COORDINATOR), adverts: forwards }, keep: cohort };
}

/** One hospital's shares, as committed to by its signature. */
export interface Dealing {
  readonly dealer: Member;
  readonly head: message.Envelope;
  readonly parcels: readonly message.Parcel[];
  readonly tree: Tree;
}

/**
 * @param parcels - came beside the statement; hostile, their schema checked.
 * @throws {@link SecAggError} `WRONG_CONTEXT`; `BAD_SHARE` with the dealer.
 */
export function acceptShares(
  cohort: Cohort,
  { body, envelope }: message.Opened<message.Shares>,
  parcels: readonly message.Parcel[],
): Dealing {
  const dealer = author(cohort.members, body);
  requireSession(cohort, dealer.hospitalId, body);
  const complete = parcels.length === cohort.members.length && cohort.members.every(({ x }, i) => parcels[i]?.x === x);
  const tree = complete ? parcelTree(parcels) : null;
  if (tree === null || toHex(rootOf(tree)) !== body.shareRoot) {
    throw new SecAggError('BAD_SHARE', `${dealer.hospitalId} dealt other shares than it signed`, dealer.hospitalId);
  }
  return { dealer, head: envelope, parcels, tree };
}

/** @throws {@link SecAggError} `TOO_FEW`. @returns For each hospital of U2, by id, what it alone is sent. */
export function closeShares(
  cohort: Cohort,
  dealings: readonly Dealing[],
): Stage<ReadonlyMap<string, message.Deliver>, DealtCohort> {
  const byX = new Map(dealings.map((dealing) => [dealing.dealer.x, dealing]));
  const inOrder = cohort.members.flatMap(({ x }) => byX.get(x) ?? []);
  requireEnough(cohort.plan, inOrder.length, 'hospitals dealt shares');
  const dealt = inOrder.map(({ dealer }) => dealer);
  const dealers = inOrder.map(({ tree, ...dealing }) => ({ ...dealing, proofOf: parcelProofs(tree) }));
  const send = dealt.map((recipient): [string, message.Deliver] => {
    const place = cohort.members.indexOf(recipient);
    const deliveries = dealers.map(({ dealer, head, parcels, proofOf }) => ({
      x: dealer.x,
      head,
      parcel: parcels[place] as message.Parcel,
      proof: proofOf(place),
    }));
    return [recipient.hospitalId, { ...sessionHeader(cohort, COORDINATOR), deliveries }];
  });
  const digests = new Map(
    inOrder.map(({ dealer, parcels }) => [
      dealer.x,
      new Map(parcels.map(({ x, selfSeedDigest, maskKeyDigest }) => [x, { x, selfSeedDigest, maskKeyDigest }])),
    ]),
  );
  const u2Digest = dealtSetDigest(cohort.sessionId, dealt);
  return { send: new Map(send), keep: { ...cohort, dealt, u2Digest, digests } };
}

/** U3: the vectors that are in the sum. */
export interface SurvivingCohort extends DealtCohort {
  readonly alive: readonly Member[];
  readonly dropped: readonly Member[];
  readonly survivorsDigest: string;
  readonly sum: MaskedSum;
}

/** From here on a late vector is refused unread. @throws {@link SecAggError} `TOO_FEW`. */
export function closeSurvivors(cohort: DealtCohort, sum: MaskedSum): Stage<message.Survivors, SurvivingCohort> {
  const survivors = sum.close();
  requireEnough(cohort.plan, survivors.length, 'hospitals sent a vector');
  const xs = new Set(survivors.map(({ x }) => x));
  const alive = cohort.dealt.filter(({ x }) => xs.has(x));
  const dropped = cohort.dealt.filter(({ x }) => !xs.has(x));
  const digest = survivorsDigest(cohort.sessionId, survivors);
  const send = { ...sessionHeader(cohort, COORDINATOR), survivors };
  return { send, keep: { ...cohort, alive, dropped, survivorsDigest: digest, sum } };
}

/** @throws {@link SecAggError} `WRONG_CONTEXT`, `SPLIT_VIEW` for another digest. */
export function checkAgree(cohort: SurvivingCohort, agree: message.Agree): Member {
  const signer = author(cohort.alive, agree);
  requireSession(cohort, signer.hospitalId, agree);
  if (agree.survivorsDigest !== cohort.survivorsDigest) {
    throw new SecAggError('SPLIT_VIEW', `${signer.hospitalId} agreed to another survivor set`, signer.hospitalId);
  }
  return signer;
}

/**
 * @param agrees - checked, one for each hospital. t of them are forwarded: a hospital asks for no more, and verifies each.
 * @throws {@link SecAggError} `TOO_FEW`.
 */
export function closeAgreement(
  cohort: SurvivingCohort,
  agrees: readonly message.Opened<message.Agree>[],
): message.UnmaskRequest {
  const signed = new Map(agrees.map((agree) => [checkAgree(cohort, agree.body).x, agree]));
  const forwards = cohort.alive.flatMap((member) => {
    const agree = signed.get(member.x);
    return agree ? [forward(member, agree)] : [];
  });
  const { threshold } = cohort.plan.body;
  if (forwards.length < threshold) throw new SecAggError('TOO_FEW', `${forwards.length} of ${threshold} agreed`);
  return { ...sessionHeader(cohort, COORDINATOR), agrees: forwards.slice(0, threshold) };
}

/** One survivor's shares, each as its dealer signed it. */
export interface CheckedUnmask {
  readonly from: Member;
  readonly selfSeeds: ReadonlyMap<number, Uint8Array>;
  readonly maskKeys: ReadonlyMap<number, Uint8Array>;
}

/** @throws {@link SecAggError} `WRONG_CONTEXT`; `BAD_SHARE` with the sender: go on with the others. */
export function acceptUnmask(cohort: SurvivingCohort, reply: message.Unmask): CheckedUnmask {
  const from = author(cohort.alive, reply);
  const digest = shareDigests(cohort.sessionId);
  requireSession(cohort, from.hospitalId, reply);
  const check = (shares: readonly message.RevealedShare[], owners: readonly Member[], type: message.ShareType) => {
    const matches = (owner: Member, { x, share }: message.RevealedShare): boolean => {
      const parcel = cohort.digests.get(owner.x)?.get(from.x);
      const signed = type === 'self-seed' ? parcel?.selfSeedDigest : parcel?.maskKeyDigest;
      return x === owner.x && digest(type, owner.x, from.x, fromHex(share)) === signed;
    };
    const valid =
      shares.length === owners.length && owners.every((owner, i) => matches(owner, shares[i] as message.RevealedShare));
    if (!valid) {
      throw new SecAggError('BAD_SHARE', `${from.hospitalId} gave other shares than it was dealt`, from.hospitalId);
    }
    return new Map(shares.map(({ x, share }) => [x, fromHex(share)]));
  };
  return {
    from,
    selfSeeds: check(reply.selfSeeds, cohort.alive, 'self-seed'),
    maskKeys: check(reply.maskKeys, cohort.dropped, 'mask-key'),
  };
}
