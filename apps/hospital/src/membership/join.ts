/** Joining a consortium: keys are made here, the coordinator is pinned, and the invitation is used up. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join as path } from 'node:path';
import { stringify } from 'yaml';
import { fromHex, toHex } from '@consilium/bytes';
import { loadOrCreateIdentity, signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import {
  openSelfSigned,
  ProtocolError,
  signStatement,
  type Challenge,
  type HospitalId,
  type Request,
} from '@consilium/protocol';
import { challenged, type Credentials } from '../channel/handshake.js';
import { writeDurably } from '../durable-file.js';
import { HospitalError } from '../errors.js';
import { IDENTITY_KEY, WITNESS_KEY, writeEnrolment } from '../home.js';
import type { WayOut } from '../network/way-out.js';
import type { ReadInvitation } from './invitation-file.js';
import { onLine } from './line.js';
import { passphrase } from './passphrase.js';
import { keepStanding, shownStanding, standingOf, type ShownStanding } from './record.js';

export interface Joined {
  readonly hospital: HospitalId;
  readonly coordinator: string;
  readonly code: string;
  readonly keysAtRest: 'under a passphrase' | 'in files for their owner alone (mode 0600)';
  readonly standing: ShownStanding;
}

/**
 * Can be repeated until it succeeds: keys that were made are kept, and the coordinator takes the same ones again.
 *
 * @param home - its folder is made. @param caFile - where the certificates of `way` are, for the configuration.
 * @throws {@link HospitalError} `ALREADY_JOINED`, `COORDINATOR_UNREACHABLE`.
 * @throws {@link ProtocolError} with the coordinator's refusal.
 */
export async function join(home: string, invitation: ReadInvitation, way: WayOut, caFile?: string): Promise<Joined> {
  const { body, code, coordinatorName } = invitation;
  const { hospitalId, address, tlsPin } = body;
  const keys = await makeKeys(home, invitation);
  const { credentials } = keys;
  const pins = tlsPin === null ? {} : { pins: [tlsPin] };
  const standing = await onLine({ home, url: address, way: { ...way, ...pins } }, async (ask) => {
    const challenge = await challenged(ask, credentials);
    const { status } = await ask('join', joinRequest(invitation, challenge, keys));
    return standingOf(status, credentials);
  });
  await keepStanding(home, standing);
  const shown = await shownStanding(home, credentials, standing);
  await suggestConfiguration(home, address, tlsPin, caFile);
  return {
    ...{ hospital: hospitalId, coordinator: coordinatorName, code, standing: shown },
    keysAtRest: keys.areLocked ? 'under a passphrase' : 'in files for their owner alone (mode 0600)',
  };
}

export interface NewKeys {
  readonly credentials: Credentials;
  readonly witness: Identity;
  /** By a passphrase. */
  readonly areLocked: boolean;
}

/**
 * Makes the keys on this machine, or finds those of an earlier try, and pins the coordinator.
 *
 * @throws {@link HospitalError} `ALREADY_JOINED`.
 */
export async function makeKeys(home: string, invitation: ReadInvitation): Promise<NewKeys> {
  await requireFree(home, invitation);
  const { hospitalId, identityKey } = invitation.body;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const secret = await passphrase();
  const { identity } = await loadOrCreateIdentity(path(home, IDENTITY_KEY), secret);
  const { identity: witness } = await loadOrCreateIdentity(path(home, WITNESS_KEY), secret);
  await writeDurably(path(home, 'coordinator-card.json'), invitation.cardText);
  await writeEnrolment(home, hospitalId, identity);
  const credentials = { hospitalId, identity, coordinatorKey: fromHex(identityKey) };
  return { credentials, witness, areLocked: secret !== undefined };
}

/** What proves both keys, to this coordinator and for this challenge alone. */
export function joinRequest(
  { body, tokenHash }: ReadInvitation,
  { clientNonce, serverNonce }: Pick<Challenge, 'clientNonce' | 'serverNonce'>,
  { credentials: { hospitalId, identity, coordinatorKey }, witness }: NewKeys,
): Request<'join'> {
  const keys = { identityKey: toHex(identity.publicKey), witnessKey: toHex(witness.publicKey) };
  const statement = signStatement(
    'join',
    {
      ...{ v: 1, hospitalId, role: 'hospital', tokenHash, ...keys },
      ...{ coordinatorKey: toHex(coordinatorKey), address: body.address, clientNonce, serverNonce },
    },
    hospitalId,
    (bytes) => signBytes(identity, bytes),
  );
  const proof = signStatement('witness-proof', { v: 1, hospitalId, ...keys, serverNonce }, hospitalId, (bytes) =>
    signBytes(witness, bytes),
  );
  return { token: body.token, statement: statement.envelope, witness: proof.envelope };
}

/** One home is one hospital of one coordinator. */
async function requireFree(home: string, { body, cardText }: ReadInvitation): Promise<void> {
  const [enrolment, card] = await Promise.all(
    ['enrolment.json', 'coordinator-card.json'].map((name) =>
      readFile(path(home, name), 'utf8').catch(() => undefined),
    ),
  );
  const remedy = 'name another folder with --home, or run consilium-hospital leave first';
  if (enrolment !== undefined && idIn(enrolment) !== body.hospitalId) {
    throw new HospitalError('ALREADY_JOINED', `${home} belongs to another hospital: ${remedy}`);
  }
  if (card !== undefined && keyIn(card) !== keyIn(cardText)) {
    throw new HospitalError('ALREADY_JOINED', `${home} has pinned another coordinator: ${remedy}`);
  }
}

const idIn = (text: string): string | undefined =>
  own(() => openSelfSigned('enrolment', text, verifyStrict).hospitalId);
const keyIn = (text: string): string | undefined =>
  own(() => openSelfSigned('coordinator-card', text, verifyStrict).identityKey);

function own(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** A beginning of hospital.yaml where there is none: only the data are missing. */
async function suggestConfiguration(
  home: string,
  address: string,
  tlsPin: string | null,
  ca: string | undefined,
): Promise<void> {
  const file = path(home, 'hospital.yaml');
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const known = {
    coordinator: address,
    ...(tlsPin !== null && { pin: [tlsPin] }),
    ...(ca !== undefined && { caFile: ca }),
    data: 'images',
  };
  await writeFile(file, stringify(known), { flag: 'wx' });
}
