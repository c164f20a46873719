/**
 * The hospital's folder: its identity, the coordinator's card that it pinned, and what it computed. Nothing of it leaves.
 *
 *     identity.key   witness.key   enrolment.json   coordinator-card.json   membership.json
 *     hospital.yaml   cache/   results/   hospital.log
 */
import { access, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, toHex } from '@consilium/bytes';
import { signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import { openSelfSigned, ProtocolError, signStatement, type Enrolment, type HospitalId } from '@consilium/protocol';
import { writeDurably } from './durable-file.js';
import { HospitalError } from './errors.js';
import { unlocked } from './membership/passphrase.js';

export const IDENTITY_KEY = 'identity.key';
/** While a rotation is under way. */
export const NEXT_KEY = `${IDENTITY_KEY}.next`;
export const WITNESS_KEY = 'witness.key';
const ENROLMENT = 'enrolment.json';

const nothing = (): undefined => undefined;

/** Says which hospital the identity belongs to. */
export async function writeEnrolment(directory: string, hospitalId: HospitalId, identity: Identity): Promise<void> {
  const identityKey = toHex(identity.publicKey);
  const { envelope } = signStatement('enrolment', { v: 1, hospitalId, identityKey }, hospitalId, (bytes) =>
    signBytes(identity, bytes),
  );
  await writeDurably(join(directory, ENROLMENT), `${JSON.stringify(envelope, null, 2)}\n`);
}

/** @throws {@link HospitalError} `CARD_MISSING` with the command that pins one, `CARD_INVALID`. */
export async function pinnedCoordinator(directory: string): Promise<Uint8Array> {
  const text = await readFile(join(directory, 'coordinator-card.json'), 'utf8').catch(() => {
    throw new HospitalError(
      'CARD_MISSING',
      'no coordinator is pinned here: run consilium-hospital join with its invitation',
    );
  });
  return parseCard(text);
}

/** What a home is known by: its secret key is not opened, and no passphrase is asked for. */
export interface KnownHospital {
  readonly hospitalId: HospitalId;
  readonly identity: Pick<Identity, 'publicKey'>;
  readonly coordinatorKey: Uint8Array;
}

/** @returns undefined where the home has not joined. */
export async function knownHospital(directory: string): Promise<KnownHospital | undefined> {
  const text = await readFile(join(directory, ENROLMENT), 'utf8').catch(nothing);
  const enrolment = text === undefined ? undefined : parseEnrolment(text);
  const coordinatorKey = await pinnedCoordinator(directory).catch(nothing);
  if (enrolment === undefined || coordinatorKey === undefined) return undefined;
  const { hospitalId, identityKey } = enrolment;
  return { hospitalId, identity: { publicKey: fromHex(identityKey) }, coordinatorKey };
}

/** @throws {@link HospitalError} `NOT_INITIALISED` with the command that makes an identity. */
export async function openIdentity(directory: string): Promise<{ identity: Identity; hospitalId: HospitalId }> {
  const text = await readFile(join(directory, ENROLMENT), 'utf8').catch(() => {
    throw new HospitalError('NOT_INITIALISED', `${directory} has no identity yet: run consilium-hospital join first`);
  });
  const enrolment = parseEnrolment(text);
  const key = join(directory, IDENTITY_KEY);
  const identity = await unlocked(key);
  if (enrolment?.identityKey === toHex(identity.publicKey)) return { identity, hospitalId: enrolment.hospitalId };
  const next =
    enrolment && (await access(join(directory, NEXT_KEY)).then(() => unlocked(join(directory, NEXT_KEY)), nothing));
  if (next !== undefined && enrolment?.identityKey === toHex(next.publicKey)) {
    // A rotation that a crash cut off after the coordinator had taken the new key.
    await rename(join(directory, NEXT_KEY), key);
    return { identity: next, hospitalId: enrolment.hospitalId };
  }
  throw new HospitalError(
    'NOT_INITIALISED',
    `${directory}/${ENROLMENT} does not belong to the key beside it: restore both from one backup`,
  );
}

function parseEnrolment(text: string): Enrolment | undefined {
  try {
    return openSelfSigned('enrolment', text, verifyStrict);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function parseCard(text: string): Uint8Array {
  try {
    return fromHex(openSelfSigned('coordinator-card', text, verifyStrict).identityKey);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new HospitalError('CARD_INVALID', `the coordinator's card is refused: ${error.code}: ${error.message}`);
  }
}
