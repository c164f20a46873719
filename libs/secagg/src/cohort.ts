/** U1: the hospitals whose keys everybody has, and the session that these keys make. Both sides form it alike. */
import { fromHex } from '@consilium/bytes';
import { isSafeAgreementKey } from '@consilium/crypto';
import { SecAggError } from './errors.js';
import { deriveSessionId } from './keys.js';
import type { Advert, Forward, Opened, OpenSigned, Parcel, SessionHeader } from './messages.js';
import { type CheckedPlan, requireEnough, type RosterEntry } from './params.js';
import { headerOf, openForwarded, requireHeader } from './statements.js';

export interface Member extends RosterEntry {
  readonly maskKey: Uint8Array;
  readonly encryptionKey: Uint8Array;
  readonly seedCommit: string;
}

export interface Cohort {
  readonly plan: CheckedPlan;
  readonly sessionId: string;
  /** In ascending x. */
  readonly members: readonly Member[];
}

/** U2, whose vectors will carry each other's masks. */
export interface DealtCohort extends Cohort {
  readonly dealt: readonly Member[];
  readonly u2Digest: string;
  /** The digests that a dealer signed: of the shares for x. */
  readonly digests: ReadonlyMap<number, ReadonlyMap<number, Omit<Parcel, 'sealed'>>>;
}

/** @throws {@link SecAggError} `WRONG_CONTEXT` for a hospital that the plan does not name. */
export function rosterEntry(plan: CheckedPlan, hospitalId: string): RosterEntry {
  const entry = plan.body.roster.find((candidate) => candidate.hospitalId === hospitalId);
  if (!entry) throw new SecAggError('WRONG_CONTEXT', 'the plan does not name this hospital');
  return entry;
}

/**
 * @param advert - its signature verified under the identity key that the roster has for `from`.
 * @throws {@link SecAggError} `WRONG_CONTEXT`; `BAD_ADVERT` for a key of low order or one key in both places.
 */
export function checkAdvert(plan: CheckedPlan, advert: Advert): Member {
  const entry = rosterEntry(plan, advert.from);
  requireHeader(plan, entry.hospitalId, advert);
  const [maskKey, encryptionKey] = [fromHex(advert.maskKey), fromHex(advert.encryptionKey)];
  if (!isSafeAgreementKey(maskKey) || !isSafeAgreementKey(encryptionKey)) {
    throw new SecAggError('BAD_ADVERT', `${entry.hospitalId} has a key that must not be used`, entry.hospitalId);
  }
  // Seen here already: in a roster that is being closed it would end the attempt of everybody.
  if (advert.maskKey === advert.encryptionKey) {
    throw new SecAggError('BAD_ADVERT', `${entry.hospitalId} repeats a hospital or a key`, entry.hospitalId);
  }
  return { ...entry, maskKey, encryptionKey, seedCommit: advert.seedCommit };
}

/**
 * Everybody's keys, as the coordinator forwarded them.
 *
 * @param adverts - hostile.
 * @throws {@link SecAggError} `BAD_ADVERT`, `FORGED`, `WRONG_CONTEXT`.
 */
export function openAdverts(plan: CheckedPlan, adverts: readonly Forward[], open: OpenSigned): Opened<Advert>[] {
  const byX = new Map(plan.body.roster.map((entry) => [entry.x, entry]));
  return adverts.map(({ x, envelope }) => {
    const author = byX.get(x);
    if (!author) throw new SecAggError('BAD_ADVERT', 'the roster has somebody whom the plan does not name');
    const opened = openForwarded(open, 'advert', envelope, author);
    requireHeader(plan, author.hospitalId, opened.body);
    return opened;
  });
}

/**
 * @param adverts - verified, in any order.
 * @throws {@link SecAggError} `BAD_ADVERT` if a hospital or a key is there twice; `TOO_FEW`; and as {@link checkAdvert}.
 */
export function formCohort(plan: CheckedPlan, adverts: readonly Opened<Advert>[]): Cohort {
  const joined = adverts
    .map(({ body, digest }) => ({ member: checkAdvert(plan, body), keys: [body.maskKey, body.encryptionKey], digest }))
    .sort((a, b) => a.member.x - b.member.x);
  const seen = new Set<string>();
  for (const { member, keys } of joined) {
    for (const once of [member.hospitalId, ...keys]) {
      // The later one copied, or the coordinator made both: either way this cohort is not used.
      if (seen.has(once)) {
        throw new SecAggError('BAD_ADVERT', `${member.hospitalId} repeats a hospital or a key`, member.hospitalId);
      }
      seen.add(once);
    }
  }
  requireEnough(plan, joined.length, 'hospitals sent keys');
  const sessionId = deriveSessionId(
    plan.digest,
    joined.map(({ digest }) => digest),
  );
  return { plan, sessionId, members: joined.map(({ member }) => member) };
}

export function sessionHeader({ plan, sessionId }: Cohort, from: string): SessionHeader {
  return { ...headerOf(plan, from), sessionId };
}

/** @throws {@link SecAggError} `WRONG_CONTEXT`, also for another sender than expected. */
export function requireSession({ plan, sessionId }: Cohort, from: string, header: SessionHeader): void {
  requireHeader(plan, from, header);
  if (header.sessionId !== sessionId) throw new SecAggError('WRONG_CONTEXT', 'the statement has another sessionId');
}

/** The members at these x; null for an x that is none of theirs, or out of ascending order. */
export function membersAt(members: readonly Member[], xs: readonly number[]): readonly Member[] | null {
  const byX = new Map(members.map((member) => [member.x, member]));
  const found = xs.flatMap((x, at) => (x > (xs[at - 1] ?? 0) ? (byX.get(x) ?? []) : []));
  return found.length === xs.length ? found : null;
}
