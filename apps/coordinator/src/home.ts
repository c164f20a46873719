/**
 * The coordinator's folder: its key, its card (the public key that hospitals pin), and the enrolments that it accepted.
 *
 *     coordinator.key   coordinator-card.json   enrolled/<hospital>.json   store/   models/<run>/
 */
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, toHex } from '@consilium/bytes';
import { fingerprint, loadOrCreateIdentity, signBytes, verifyStrict, type Identity } from '@consilium/crypto';
import { openSelfSigned, ProtocolError, signStatement, type Enrolment, type HospitalId } from '@consilium/protocol';
import { CoordinatorError } from './errors.js';

export interface Home {
  readonly directory: string;
  readonly identity: Identity;
}

/** Makes what is missing, and never replaces a key that exists. */
export async function openHome(directory: string): Promise<Home> {
  await mkdir(join(directory, 'enrolled'), { recursive: true });
  await mkdir(join(directory, 'models'), { recursive: true });
  const { identity } = await loadOrCreateIdentity(join(directory, 'coordinator.key'));
  return { directory, identity };
}

/** @throws {@link CoordinatorError} `NOT_INITIALISED`: a new key in a mistyped folder would be one that no hospital knows. */
export async function reopenHome(directory: string): Promise<Home> {
  await access(join(directory, 'coordinator.key')).catch(() => {
    throw new CoordinatorError(
      'NOT_INITIALISED',
      `${directory} has no coordinator yet: run consilium-coordinator init first, or name another folder with --home`,
    );
  });
  return openHome(directory);
}

/** Writes `coordinator-card.json`, to be given to hospitals by another way than this network. */
export async function writeCard(home: Home, name: string): Promise<{ file: string; fingerprint: string }> {
  const { identity } = home;
  const identityKey = toHex(identity.publicKey);
  const card = signStatement('coordinator-card', { v: 1, name, identityKey }, 'coordinator', (bytes) =>
    signBytes(identity, bytes),
  );
  const file = join(home.directory, 'coordinator-card.json');
  await writeFile(file, `${JSON.stringify(card.envelope, null, 2)}\n`);
  return { file, fingerprint: fingerprint(identity.publicKey) };
}

/** Checks that the sender of an enrolment holds its key, and keeps it. @returns What people compare by phone. */
export async function enrol(home: Home, file: string): Promise<{ hospitalId: string; fingerprint: string }> {
  const { body, text } = await readEnrolment(file);
  await writeFile(join(home.directory, 'enrolled', `${body.hospitalId}.json`), text);
  return { hospitalId: body.hospitalId, fingerprint: fingerprint(fromHex(body.identityKey)) };
}

/** All enrolled hospitals in hospital order; each file is verified again. */
export async function enrolledHospitals(home: Home): Promise<Enrolment[]> {
  const folder = join(home.directory, 'enrolled');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const bodies = await Promise.all(files.map(async (name) => (await readEnrolment(join(folder, name))).body));
  const keys = new Set(bodies.map(({ identityKey }) => identityKey));
  if (keys.size < bodies.length)
    throw new CoordinatorError('ENROLMENT_INVALID', 'two enrolled hospitals share one key');
  return bodies.sort((a, b) => (a.hospitalId < b.hospitalId ? -1 : 1));
}

/** @returns The key of an enrolled hospital, hex; read anew each time, since people enrol while a coordinator works. */
export async function enrolledKey({ directory }: Home, hospitalId: HospitalId): Promise<string | undefined> {
  // The schema of the id leaves no way out of the folder.
  const { body } = await readEnrolment(join(directory, 'enrolled', `${hospitalId}.json`)).catch((error: unknown) => {
    if (error instanceof CoordinatorError) return { body: undefined };
    throw error;
  });
  return body?.hospitalId === hospitalId ? body.identityKey : undefined;
}

async function readEnrolment(file: string): Promise<{ body: Enrolment; text: string }> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CoordinatorError('ENROLMENT_INVALID', `cannot read the enrolment file ${file}`);
  });
  try {
    return { body: openSelfSigned('enrolment', text, verifyStrict), text };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new CoordinatorError(
      'ENROLMENT_INVALID',
      `the enrolment ${file} is refused: ${error.code}: ${error.message}`,
    );
  }
}
