/** `membership.json`: what the coordinator last said of this hospital's membership, signed by it, and what was shown of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '@consilium/bytes';
import { digestWords, keyWords, ROSTER_WORDS, verifyStrict } from '@consilium/crypto';
import { openStatement, ProtocolError, rosterDigest, type Envelope, type MembershipStatus } from '@consilium/protocol';
import { isMissing, writeDurably } from '../durable-file.js';
import type { Credentials } from '../channel/handshake.js';

const FILE = 'membership.json';

export interface Standing {
  readonly state: MembershipStatus['state'];
  /** Of the full roster, computed here: the coordinator sends names and keys, not words. */
  readonly rosterWords: string;
  readonly rosterDigest: string;
  readonly roster: readonly { readonly hospital: string; readonly state: string }[];
  readonly keyWords: string;
  /** Whether the words of this very roster were compared here. */
  readonly verified: 'yes' | 'no' | 'before the roster changed';
  readonly refusals: MembershipStatus['refusals'];
}

/**
 * @param envelope - the coordinator's word: peer-controlled.
 * @throws {@link ProtocolError} `SIGNATURE_INVALID`, `SENDER_MISMATCH` for a status of another hospital or key.
 */
export function standingOf(
  envelope: unknown,
  { hospitalId, identity, coordinatorKey }: Credentials,
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
    verified:
      body.verifiedRoster === null ? 'no' : body.verifiedRoster === digest ? 'yes' : 'before the roster changed',
    refusals: body.refusals,
  };
}

/** What is kept is what was shown. */
export const keepStanding = (home: string, { envelope }: { readonly envelope: Envelope }): Promise<void> =>
  writeDurably(join(home, FILE), `${JSON.stringify(envelope)}\n`);

/** @returns undefined where nothing was ever shown, or only under another key. */
export async function keptStanding(home: string, credentials: Credentials): Promise<Standing | undefined> {
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

export function standingText(standing: Standing): string {
  const { state, rosterWords, roster, keyWords: own, verified, refusals } = standing;
  return [
    state === 'provisional' ? 'provisional: compare these words by phone; nothing counts before' : state,
    `roster: ${rosterWords}`,
    `        ${roster.map((one) => `${one.hospital}${one.state === 'provisional' ? ' (provisional)' : ''}`).join(', ')}`,
    `our key: ${own}`,
    `compared here: ${verified}`,
    ...refusals.map(({ at, code }) => `refused in our name ${at}: ${code}`),
  ].join('\n');
}
