/**
 * The hospital's folder: its identity, the coordinator's card that it pinned, and what it computed. Nothing of it leaves.
 *
 *     identity.key   witness.key   enrolment.json   coordinator-card.json   membership.json
 *     hospital.yaml   cache/   results/   hospital.log
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, toHex } from '@consilium/bytes';
import { fingerprint, loadOrCreateIdentity, signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import { hospitalIdSchema, openSelfSigned, ProtocolError, signStatement, type HospitalId } from '@consilium/protocol';
import { writeDurably } from './durable-file.js';
import { HospitalError } from './errors.js';
import { passphrase, unlocked } from './membership/passphrase.js';

export const IDENTITY_KEY = 'identity.key';
export const WITNESS_KEY = 'witness.key';

/** Makes the identity on the first call and the enrolment file each time. @returns What people compare by phone. */
export async function initialise(directory: string, name: string): Promise<{ file: string; fingerprint: string }> {
  const id = hospitalIdSchema.safeParse(name);
  if (!id.success) {
    throw new HospitalError('CONFIG_INVALID', 'a hospital name is 1 to 63 of a-z, 0-9 and inner hyphens');
  }
  await mkdir(directory, { recursive: true });
  const { identity } = await loadOrCreateIdentity(join(directory, IDENTITY_KEY), await passphrase());
  return { file: await writeEnrolment(directory, id.data, identity), fingerprint: fingerprint(identity.publicKey) };
}

/** Says to this machine, and by a file to others, which hospital the identity belongs to. @returns The file. */
export async function writeEnrolment(directory: string, hospitalId: HospitalId, identity: Identity): Promise<string> {
  const identityKey = toHex(identity.publicKey);
  const { envelope } = signStatement('enrolment', { v: 1, hospitalId, identityKey }, hospitalId, (bytes) =>
    signBytes(identity, bytes),
  );
  const file = join(directory, 'enrolment.json');
  await writeDurably(file, `${JSON.stringify(envelope, null, 2)}\n`);
  return file;
}

/** Pins the coordinator whose card this is. @returns What people compare by phone. */
export async function trust(directory: string, cardFile: string): Promise<{ name: string; fingerprint: string }> {
  const text = await readFile(cardFile, 'utf8').catch(() => {
    throw new HospitalError('FILE_MISSING', `cannot read the coordinator's card ${cardFile}`);
  });
  const card = parseCard(text);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'coordinator-card.json'), text);
  return { name: card.name, fingerprint: fingerprint(card.key) };
}

/** @throws {@link HospitalError} `CARD_MISSING` with the command that pins one. */
export async function pinnedCoordinator(directory: string): Promise<Uint8Array> {
  const text = await readFile(join(directory, 'coordinator-card.json'), 'utf8').catch(() => {
    throw new HospitalError(
      'CARD_MISSING',
      'no coordinator is pinned yet: join with its invitation, or run consilium-hospital trust with its card',
    );
  });
  return parseCard(text).key;
}

/** @throws {@link HospitalError} `NOT_INITIALISED` with the command that makes an identity. */
export async function openIdentity(directory: string): Promise<{ identity: Identity; hospitalId: HospitalId }> {
  const text = await readFile(join(directory, 'enrolment.json'), 'utf8').catch(() => {
    throw new HospitalError('NOT_INITIALISED', `${directory} has no identity yet: run consilium-hospital join first`);
  });
  const identity = await unlocked(join(directory, IDENTITY_KEY));
  try {
    const { hospitalId, identityKey } = openSelfSigned('enrolment', text, verifyStrict);
    if (identityKey === toHex(identity.publicKey)) return { identity, hospitalId };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw new HospitalError(
    'NOT_INITIALISED',
    `${directory}/enrolment.json does not belong to the key beside it: run consilium-hospital init again to write it anew`,
  );
}

function parseCard(text: string): { name: string; key: Uint8Array } {
  try {
    const { name, identityKey } = openSelfSigned('coordinator-card', text, verifyStrict);
    return { name, key: fromHex(identityKey) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new HospitalError('CARD_INVALID', `the coordinator's card is refused: ${error.code}: ${error.message}`);
  }
}
