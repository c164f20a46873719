/**
 * The coordinator's folder: its key, its card (the public key that hospitals pin), and who belongs to its consortium.
 *
 *     coordinator.key   coordinator-card.json   membership/<number>.json   store/   models/<run>/
 */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '@consilium/bytes';
import { fingerprint, loadOrCreateIdentity, signBytes, type Identity } from '@consilium/crypto';
import { signStatement, type Enrolment } from '@consilium/protocol';
import { CoordinatorError } from './errors.js';
import { Membership } from './membership/membership.js';

export interface Home {
  readonly directory: string;
  readonly identity: Identity;
}

/** Makes what is missing, and never replaces a key that exists. */
export async function openHome(directory: string): Promise<Home> {
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

/** Those who may be in the roster of a run, in hospital order. @throws {@link CoordinatorError} `MEMBERSHIP_BROKEN`. */
export async function enrolledHospitals(home: Home): Promise<Enrolment[]> {
  return (await Membership.open(home)).active();
}
