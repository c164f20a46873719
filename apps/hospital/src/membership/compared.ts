/**
 * `compared-roster.json`: the roster whose words people here have compared, under the statement by which they said so. A run is
 * taken part in with these hospitals, under these keys, and with nobody else: who invents hospitals to be alone with one in a
 * sum has to get past its people.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { signBytes, verifyStrict } from '@consilium/crypto';
import {
  hospitalIdSchema,
  limits,
  openStatement,
  ProtocolError,
  rosterDigest,
  signStatement,
  type Digest,
  type Envelope,
  type HospitalId,
  type How,
  type RosterLine,
} from '@consilium/protocol';
import type { Credentials } from '../channel/handshake.js';
import type { KnownHospital } from '../home.js';
import { isMissing, writeDurably } from '../durable-file.js';

export const COMPARED_ROSTER = 'compared-roster.json';

const fileSchema = z.strictObject({
  roster: z.array(z.strictObject({ hospitalId: hospitalIdSchema, identityKey: z.string() })).max(limits.hospitals),
  statement: z.unknown(),
});

export interface ComparedRoster {
  readonly digest: Digest;
  readonly comparedBy: string;
  readonly at: string;
  readonly roster: readonly RosterLine[];
}

/** What people here say of a roster: for the coordinator, and for {@link keepCompared}. */
export function comparison(
  { hospitalId, identity }: Pick<Credentials, 'hospitalId' | 'identity'>,
  roster: readonly RosterLine[],
  { comparedBy, how }: { readonly comparedBy: string; readonly how: How },
): Envelope {
  const said = { v: 1, from: hospitalId, rosterDigest: rosterDigest(roster), comparedBy, how } as const;
  const body = { ...said, at: new Date().toISOString() };
  return signStatement('verification', body, hospitalId, (bytes) => signBytes(identity, bytes)).envelope;
}

/** @param statement - a `verification` of this very roster, signed here. */
export async function keepCompared(home: string, roster: readonly RosterLine[], statement: Envelope): Promise<void> {
  const lines = roster.map(({ hospitalId, identityKey }) => ({ hospitalId, identityKey }));
  await writeDurably(join(home, COMPARED_ROSTER), `${JSON.stringify({ roster: lines, statement })}\n`);
}

/** @returns undefined where nobody has compared, where the file was altered, and under a new key, which is a new roster. */
export async function readCompared(
  home: string,
  { hospitalId, identity }: Pick<KnownHospital, 'hospitalId' | 'identity'>,
): Promise<ComparedRoster | undefined> {
  const text = await readFile(join(home, COMPARED_ROSTER), 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const { roster, statement } = fileSchema.parse(JSON.parse(text));
    const { body } = openStatement('verification', statement, (bytes, signature) =>
      verifyStrict(identity.publicKey, bytes, signature),
    );
    if (body.from !== hospitalId || body.rosterDigest !== rosterDigest(roster)) return undefined;
    return { digest: body.rosterDigest, comparedBy: body.comparedBy, at: body.at, roster };
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

/** Those of a roster whom nobody here has compared, or not under that key. */
export function strangersIn(roster: readonly RosterLine[], compared: ComparedRoster | undefined): HospitalId[] {
  const keys = new Map(compared?.roster.map(({ hospitalId, identityKey }) => [hospitalId, identityKey]));
  return roster
    .filter(({ hospitalId, identityKey }) => keys.get(hospitalId) !== identityKey)
    .map(({ hospitalId }) => hospitalId);
}
