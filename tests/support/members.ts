/**
 * Hospitals that have joined, without the network and the telephone: real invitations, keys, proofs and approvals, and on each
 * side the roster as people would have compared it.
 */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { Admission, Membership, writeCard, type Home } from '@consilium/coordinator';
import { toHex } from '@consilium/bytes';
import { comparison, joinRequest, keepCompared, makeKeys, openIdentity, readInvitation } from '@consilium/hospital';
import { hospitalIdSchema, type RosterLine } from '@consilium/protocol';

const COMPARED = { comparedBy: 'test', how: 'in-person' } as const;

type HomeOf = (hospital: string) => string;

/** @param homeOf - the folder of each hospital, which is made; its parent must be there. */
export async function joinAll(office: Home, hospitals: readonly string[], homeOf: HomeOf): Promise<void> {
  const roster = await approveAll(office, hospitals, homeOf);
  for (const hospital of hospitals) await compared(homeOf(hospital), roster);
}

/** Nothing is compared at the hospitals: as programs of the product they would wait, as nodes without house rules they do not. */
export async function approveAll(
  office: Home,
  hospitals: readonly string[],
  homeOf: HomeOf,
): Promise<readonly RosterLine[]> {
  await writeCard(office, 'test');
  const membership = await Membership.open(office);
  for (const hospital of hospitals) await joinOne(office, membership, hospital, homeOf(hospital));
  return membership.state.roster;
}

async function joinOne(office: Home, membership: Membership, hospital: string, home: string): Promise<void> {
  const hospitalId = hospitalIdSchema.parse(hospital);
  const terms = { hospitalId, displayName: hospital, role: 'hospital', address: 'http://127.0.0.1:7433' } as const;
  const { file } = await membership.invite({ ...terms, tlsPin: null, validDays: 1 }, 'test');
  const path = `${home}.invitation.json`;
  await writeFile(path, file);
  const invitation = await readInvitation(path);
  await rm(path);
  const keys = await makeKeys(home, invitation);
  const nonces = { clientNonce: toHex(randomBytes(32)), serverNonce: toHex(randomBytes(32)) };
  const admission = new Admission(membership, toHex(office.identity.publicKey));
  await admission.join(joinRequest(invitation, nonces, keys), { hospitalId, ...nonces });
  await membership.approve(hospitalId, COMPARED, 'test');
}

/** The people of that hospital have compared this roster. */
export async function compared(home: string, roster: readonly RosterLine[]): Promise<void> {
  await keepCompared(home, roster, comparison(await openIdentity(home), roster, COMPARED));
}
