/**
 * Claims: a key is never replaced; an enrolment counts only if its sender holds the key inside; what is kept of it cannot be
 * altered unnoticed; two hospitals cannot share a key. Oracle: the bytes of the files, enrolments signed here.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { fingerprint, generateIdentity, signBytes, type Identity } from '@consilium/crypto';
import { signStatement, type HospitalId } from '@consilium/protocol';
import { CoordinatorError } from './errors.js';
import { enrol, enrolledHospitals, openHome, reopenHome, writeCard, type Home } from './home.js';

let directory: string;
let home: Home;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-office-'));
  home = await openHome(join(directory, 'office'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function enrolment(name: string, named: Identity, signer = named): Promise<string> {
  const body = { v: 1 as const, hospitalId: name as HospitalId, identityKey: toHex(named.publicKey) };
  const { envelope } = signStatement('enrolment', body, body.hospitalId, (bytes) => signBytes(signer, bytes));
  const file = join(directory, `${name}.json`);
  await writeFile(file, JSON.stringify(envelope));
  return file;
}

const refusal = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof CoordinatorError ? error.code : error),
  );

describe('a home', () => {
  it('keeps its key when it is opened again', async () => {
    const key = await readFile(join(home.directory, 'coordinator.key'));
    const again = await reopenHome(home.directory);
    expect(again.identity.publicKey).toEqual(home.identity.publicKey);
    expect(await readFile(join(home.directory, 'coordinator.key'))).toEqual(key);
    expect((await writeCard(again, 'office')).fingerprint).toBe(fingerprint(home.identity.publicKey));
  });

  it('is not made by mistake', async () => {
    expect(await refusal(reopenHome(join(directory, 'typo')))).toBe('NOT_INITIALISED');
    expect(await readdir(directory)).toEqual(['office']);
  });
});

describe('enrol', () => {
  it('keeps hospitals in their order, with the fingerprint of each', async () => {
    const [a, b] = [generateIdentity(), generateIdentity()];
    expect(await enrol(home, await enrolment('south', b))).toEqual({
      hospitalId: 'south',
      fingerprint: fingerprint(b.publicKey),
    });
    await enrol(home, await enrolment('north', a));
    const keys = (await enrolledHospitals(home)).map(({ hospitalId, identityKey }) => [hospitalId, identityKey]);
    expect(keys).toEqual([
      ['north', toHex(a.publicKey)],
      ['south', toHex(b.publicKey)],
    ]);
  });

  it('refuses a key that its sender does not hold, a card, and what is no JSON', async () => {
    const file = join(directory, 'bad.json');
    expect(await refusal(enrol(home, await enrolment('x', generateIdentity(), generateIdentity())))).toBe(
      'ENROLMENT_INVALID',
    );
    expect(await refusal(enrol(home, (await writeCard(home, 'office')).file))).toBe('ENROLMENT_INVALID');
    await writeFile(file, '{');
    expect(await refusal(enrol(home, file))).toBe('ENROLMENT_INVALID');
    expect(await refusal(enrol(home, join(directory, 'none.json')))).toBe('ENROLMENT_INVALID');
    expect(await enrolledHospitals(home)).toEqual([]);
  });

  it('finds an entry that was altered on the disk', async () => {
    await enrol(home, await enrolment('north', generateIdentity()));
    await enrol(home, await enrolment('south', generateIdentity()));
    const first = join(home.directory, 'membership', '000001.json');
    await writeFile(first, (await readFile(first, 'utf8')).replace('north', 'n0rth'));
    expect(await refusal(enrolledHospitals(home))).toBe('MEMBERSHIP_BROKEN');
  });

  it('gives no key two names, and no name another key in silence', async () => {
    const one = generateIdentity();
    await enrol(home, await enrolment('north', one));
    expect(await refusal(enrol(home, await enrolment('south', one)))).toBe('ENROLMENT_INVALID');
    expect(await refusal(enrol(home, await enrolment('north', generateIdentity())))).toBe('ENROLMENT_INVALID');
    await enrol(home, await enrolment('north', one));
    const [only] = await enrolledHospitals(home);
    expect(only).toMatchObject({ hospitalId: 'north', identityKey: toHex(one.publicKey) });
  });
});
