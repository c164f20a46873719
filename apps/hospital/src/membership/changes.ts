/** What a hospital that has joined says of itself: what it compared, another key, that it leaves. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '@consilium/bytes';
import { loadIdentity, loadOrCreateIdentity, sameWords, signBytes, type Identity } from '@consilium/crypto';
import { ProtocolError, signStatement, type Envelope, type How, type Statement } from '@consilium/protocol';
import type { Credentials } from '../channel/handshake.js';
import { readHospitalConfig } from '../config.js';
import { HospitalError } from '../errors.js';
import { IDENTITY_KEY, NEXT_KEY, openIdentity, pinnedCoordinator, writeEnrolment } from '../home.js';
import { wayOutOf } from '../network/configured.js';
import { asHospital, onOwnLine, type Errand } from './line.js';
import { passphrase } from './passphrase.js';
import { comparison, keepCompared } from './compared.js';
import { keepStanding, keptStanding, shownStanding, standingOf, type ShownStanding, type Standing } from './record.js';

export const credentialsOf = async (home: string): Promise<Credentials> => ({
  ...(await openIdentity(home)),
  coordinatorKey: await pinnedCoordinator(home),
});

/** The way is that of the node: hospital.yaml. */
export async function errandOf(home: string): Promise<Errand> {
  const config = await readHospitalConfig(join(home, 'hospital.yaml'));
  return { home, url: config.coordinator, way: await wayOutOf(config) };
}

/** Asks the coordinator, and keeps what it says. */
export async function membership(home: string): Promise<ShownStanding> {
  const credentials = await credentialsOf(home);
  const standing = await asHospital(await errandOf(home), credentials, async (ask) =>
    standingOf((await ask('membership', {})).status, credentials),
  );
  await keepStanding(home, standing);
  return shownStanding(home, credentials, standing);
}

export interface ComparedHere {
  readonly comparedBy: string;
  readonly how: How;
  /** As the coordinator's people, or better those of another hospital, read them. */
  readonly words?: string | undefined;
}

/**
 * Says that people here have compared the words. Those count that were last shown here, or that are given: a roster that has
 * changed since was not compared by anybody.
 *
 * @throws {@link HospitalError} `WORDS_DIFFER`; nothing is said then.
 */
export async function verify(home: string, { comparedBy, how, words }: ComparedHere): Promise<ShownStanding> {
  const credentials = await credentialsOf(home);
  const shown = await keptStanding(home, credentials);
  const standing = await asHospital(await errandOf(home), credentials, async (ask) => {
    const now = standingOf((await ask('membership', {})).status, credentials);
    const isSame = words === undefined ? now.rosterDigest === shown?.rosterDigest : sameWords(words, now.rosterWords);
    await keepStanding(home, now);
    if (!isSame) {
      throw new HospitalError(
        'WORDS_DIFFER',
        `the roster here is: ${now.rosterWords}. If others see other words, somebody shows you another roster: stop, and phone them`,
      );
    }
    const envelope = comparison(credentials, now.lines, { comparedBy, how });
    const after = standingOf((await ask('verify', { statement: envelope })).status, credentials);
    // Durable here: from now on a run with these hospitals is taken part in.
    await keepCompared(home, now.lines, envelope);
    return after;
  });
  await keepStanding(home, standing);
  return shownStanding(home, credentials, standing);
}

/**
 * Gives this hospital another key. Runs whose signed roster has the old one go on without this hospital; it takes part again
 * in the next. Can be repeated: who does not know whether the coordinator has heard it finds out.
 */
export async function rotateKey(home: string): Promise<ShownStanding> {
  const secret = await passphrase();
  const credentials = await credentialsOf(home);
  const errand = await errandOf(home);
  const wasBegun = (await loadIdentity(join(home, NEXT_KEY), secret)) !== undefined;
  const { identity: next } = await loadOrCreateIdentity(join(home, NEXT_KEY), secret);
  const renewed = { ...credentials, identity: next };
  const standing =
    (wasBegun ? await standingIfKnown(errand, renewed) : undefined) ??
    (await onOwnLine(errand, credentials, async (ask) => {
      const request = rotation(credentials, next);
      return standingOf((await ask('rotate', request)).status, renewed);
    }));
  // The coordinator knows the new key only. Between these lines a crash leaves both keys, and the next command sees which counts.
  await writeEnrolment(home, credentials.hospitalId, next);
  await rename(join(home, NEXT_KEY), join(home, IDENTITY_KEY));
  await keepStanding(home, standing);
  return shownStanding(home, renewed, standing);
}

async function standingIfKnown(
  errand: Errand,
  credentials: Credentials,
): Promise<(Standing & { envelope: Envelope }) | undefined> {
  try {
    return await onOwnLine(errand, credentials, async (ask) =>
      standingOf((await ask('membership', {})).status, credentials),
    );
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'SIGNATURE_INVALID') return undefined;
    throw error;
  }
}

function rotation({ hospitalId, identity, coordinatorKey }: Credentials, next: Identity) {
  const body: Statement<'rotation'> = {
    ...{ v: 1, hospitalId, coordinatorKey: toHex(coordinatorKey) },
    ...{ oldKey: toHex(identity.publicKey), newKey: toHex(next.publicKey), at: new Date().toISOString() },
  };
  const by = (signer: Identity): Envelope =>
    signStatement('rotation', body, hospitalId, (bytes) => signBytes(signer, bytes)).envelope;
  return { old: by(identity), new: by(next) };
}

/** What revokes this hospital whenever it is shown to the coordinator: to be kept where the keys are not. */
export async function revocation(home: string): Promise<Envelope> {
  const { hospitalId, identity, coordinatorKey } = await credentialsOf(home);
  const keys = { identityKey: toHex(identity.publicKey), coordinatorKey: toHex(coordinatorKey) };
  const body: Statement<'revocation'> = { v: 1, hospitalId, ...keys, at: new Date().toISOString() };
  return signStatement('revocation', body, hospitalId, (bytes) => signBytes(identity, bytes)).envelope;
}

/** Leaves the consortium for good, under this key. */
export async function revoke(home: string): Promise<void> {
  const statement = await revocation(home);
  await asHospital(await errandOf(home), await credentialsOf(home), (ask) => ask('revoke', { statement }));
  await rm(join(home, NEXT_KEY), { force: true });
}
