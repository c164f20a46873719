/** `membership.json`: what the coordinator last said of this hospital's membership, signed by it, and what was shown of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '@consilium/bytes';
import { digestWords, keyWords, ROSTER_WORDS, verifyStrict } from '@consilium/crypto';
import {
  openStatement,
  ProtocolError,
  rosterDigest,
  type Digest,
  type Envelope,
  type MembershipStatus,
  type RosterLine,
} from '@consilium/protocol';
import { isMissing, writeDurably } from '../durable-file.js';
import type { KnownHospital } from '../home.js';
import { readCompared, strangersIn } from './compared.js';

const FILE = 'membership.json';

export interface Standing {
  readonly state: MembershipStatus['state'];
  /** Of the full roster, computed here: the coordinator sends names and keys, not words. */
  readonly rosterWords: string;
  readonly rosterDigest: Digest;
  readonly roster: readonly { readonly hospital: string; readonly state: string }[];
  readonly keyWords: string;
  /** As names and keys, for {@link keepCompared}. */
  readonly lines: readonly RosterLine[];
  readonly refusals: MembershipStatus['refusals'];
}

/**
 * @param envelope - the coordinator's word: peer-controlled.
 * @throws {@link ProtocolError} `SIGNATURE_INVALID`, `SENDER_MISMATCH` for a status of another hospital or key.
 */
export function standingOf(
  envelope: unknown,
  { hospitalId, identity, coordinatorKey }: KnownHospital,
): Standing & { readonly envelope: Envelope } {
  const opened = openStatement('membership-status', envelope, (bytes, signature) =>
    verifyStrict(coordinatorKey, bytes, signature),
  );
  const { body } = opened;
  const ownKey = toHex(identity.publicKey);
  const inRoster = body.roster.find((one) => one.hospitalId === hospitalId);
  const isOurs = body.hospitalId === hospitalId && body.identityKey === ownKey;
  // Else the words would be those of a roster that has another key under our name.
  if (!isOurs || (body.state !== 'revoked' && inRoster?.identityKey !== ownKey)) {
    throw new ProtocolError('SENDER_MISMATCH', 'the coordinator has another key under our name');
  }
  const digest = rosterDigest(body.roster);
  return {
    envelope: opened.envelope,
    state: body.state,
    rosterWords: digestWords(digest, ROSTER_WORDS),
    rosterDigest: digest,
    roster: body.roster.map((one) => ({ hospital: one.hospitalId, state: one.state })),
    keyWords: keyWords(identity.publicKey),
    lines: body.roster,
    refusals: body.refusals,
  };
}

/** What is kept is what was shown. */
export const keepStanding = (home: string, { envelope }: { readonly envelope: Envelope }): Promise<void> =>
  writeDurably(join(home, FILE), `${JSON.stringify(envelope)}\n`);

/** @returns undefined where nothing was ever shown, or only under another key. */
export async function keptStanding(home: string, credentials: KnownHospital): Promise<Standing | undefined> {
  const text = await readFile(join(home, FILE), 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return standingOf(JSON.parse(text), credentials);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A standing beside what people here have compared: by our own file, not by the coordinator's word. */
export interface ShownStanding extends Standing {
  readonly compared: 'yes' | 'no' | 'before the roster changed';
  /** Nobody here has compared them: a run with one of them waits. */
  readonly strangers: readonly string[];
}

export async function shownStanding<S extends Standing>(
  home: string,
  credentials: KnownHospital,
  standing: S,
): Promise<S & ShownStanding> {
  const known = await readCompared(home, credentials);
  const compared =
    known === undefined ? 'no' : known.digest === standing.rosterDigest ? 'yes' : 'before the roster changed';
  return { ...standing, compared, strangers: strangersIn(standing.lines, known) };
}

export function standingText(standing: ShownStanding): string {
  const { state, rosterWords, roster, keyWords: own, compared, strangers, refusals } = standing;
  const newSince = compared === 'before the roster changed' && strangers.length > 0;
  return [
    state === 'provisional' ? 'provisional: it does not count before people have compared these words' : state,
    `roster: ${rosterWords}`,
    `        ${roster.map((one) => `${one.hospital}${one.state === 'provisional' ? ' (provisional)' : ''}`).join(', ')}`,
    `our key: ${own}`,
    `compared here: ${compared}${newSince ? `; new since: ${strangers.join(', ')}` : ''}`,
    ...(compared === 'yes' ? [] : ['a run waits here until: consilium-hospital verify --compared-by NAME --how phone']),
    ...refusals.map(({ at, code }) => `refused in our name ${at}: ${code}`),
  ].join('\n');
}
