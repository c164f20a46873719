/**
 * Claims (privacy.md G 29, and 7 where it concerns joining): an invitation serves one hospital, once, in its role and time; a key
 * without a proof joins nothing; a stolen invitation that is used first is shown to both sides; a key changes only when the old
 * one allows it; who was revoked does not come back by any way; who is shown another roster sees other words; a file that is no
 * invitation leaves nothing behind; no token, passphrase or secret key is in anything that a program wrote or said. Oracle: the
 * coordinator's own process and its commands, against messages made by hand.
 */
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalBytes, fromHex, sha256Hex, toHex, type Json } from '@consilium/bytes';
import { generateIdentity, type Identity } from '@consilium/crypto';
import { parseUnverified, type Envelope } from '@consilium/protocol';
import { runProgram, startProgram, type Ending, type RunningProgram } from '../support/programs.js';
import { forge, RawHospital } from '../support/raw-hospital.js';

const PASSPHRASE = 'canary passphrase of this test';
const told: string[] = [];
const tokens: string[] = [];
let folder: string;
let office: RunningProgram;
let url: string;
let coordinatorKey: string;

const path = (...parts: string[]): string => join(folder, ...parts);
async function run(program: 'coordinator' | 'hospital', ...args: string[]): Promise<Ending> {
  const ending = await runProgram(program, args, folder);
  told.push(ending.stdout, ending.stderr);
  return ending;
}
const coordinator = (...args: string[]) => run('coordinator', ...args, '--home', 'office', '--format', 'json');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-enrolment-'));
  await writeFile(path('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  await run('coordinator', 'init', '--home', 'office');
  office = startProgram('coordinator', ['serve', '--home', 'office', '--port', '0', '--format', 'json'], folder);
  url = /"url":"([^"]+)"/.exec(await office.printed(/"event":"listening","url":"[^"]+"/))?.[1] ?? '';
}, 120_000);
afterAll(async () => {
  office.child.kill();
  await office.ended;
  await rm(folder, { recursive: true });
});

/** @returns What the file holds. */
async function invited(hospital: string, ...options: string[]) {
  const ending = await coordinator('invite', hospital, '--address', url, '--out', `${hospital}.json`, ...options);
  expect(ending.stderr).toBe('');
  const { body } = parseUnverified('invitation', JSON.parse(await readFile(path(`${hospital}.json`), 'utf8')));
  tokens.push(body.token);
  coordinatorKey = body.identityKey;
  return body;
}

const signed = (name: string, body: Json, signer: Identity): Envelope => forge(name, canonicalBytes(body), 'x', signer);

interface Attempt {
  readonly hospital: string;
  readonly token: string;
  readonly identity?: Identity;
  readonly changes?: Readonly<Record<string, Json>>;
  readonly signer?: Identity;
  readonly witnessSigner?: Identity;
}

/** A whole attempt to join, wrong in as much as it is told. */
async function attempt({ hospital, token, identity = generateIdentity(), ...wrong }: Attempt) {
  const witness = generateIdentity();
  const raw = await RawHospital.connect(url);
  const hello = { versions: { min: 1, max: 1 }, hospitalId: hospital, nonce: raw.nonce };
  const { challenge } = (await raw.ask('hello', hello)) as unknown as { challenge: Envelope };
  const { clientNonce, serverNonce } = parseUnverified('challenge', challenge).body;
  const keys = { identityKey: toHex(identity.publicKey), witnessKey: toHex(witness.publicKey) };
  const body = {
    ...{ v: 1, hospitalId: hospital, role: 'hospital', tokenHash: sha256Hex(fromHex(token)), ...keys },
    ...{ coordinatorKey, address: url, clientNonce, serverNonce, ...wrong.changes },
  };
  const proof = { v: 1, hospitalId: hospital, ...keys, serverNonce };
  const answer = await raw.ask('join', {
    token,
    statement: signed('join', body, wrong.signer ?? identity),
    witness: signed('witness-proof', proof, wrong.witnessSigner ?? witness),
  });
  return { answer, identity, raw };
}

const code = async (wrong: Attempt): Promise<unknown> => (await attempt(wrong)).answer.code;
const show = async (hospital: string) =>
  JSON.parse((await coordinator('hospitals', 'show', hospital)).stdout) as {
    readonly state: string;
    readonly words: string;
    readonly refusals: readonly { readonly code: string }[];
  };

describe('an invitation', () => {
  it('is taken with a proof of both keys, for this very challenge and coordinator, and only then', async () => {
    const { token } = await invited('proof');
    const other = generateIdentity();
    const wrong: Partial<Attempt>[] = [
      { signer: other },
      { witnessSigner: other },
      { changes: { serverNonce: '0'.repeat(64) } },
      { changes: { coordinatorKey: '0'.repeat(64) } },
      { changes: { tokenHash: '0'.repeat(64) } },
    ];
    for (const one of wrong) {
      expect(await code({ hospital: 'proof', token, ...one }), Object.keys(one).join()).toBe('KEY_PROOF_INVALID');
    }
    expect((await attempt({ hospital: 'proof', token })).answer.ok).toBe(true);
  });

  it('serves no other hospital, no other role, and nobody who guesses', async () => {
    const { token } = await invited('right');
    expect(await code({ hospital: 'wrong', token })).toBe('INVITATION_ROLE');
    expect(await code({ hospital: 'right', token, changes: { role: 'auditor' } })).toBe('INVITATION_ROLE');
    const auditor = await invited('auditor', '--role', 'auditor');
    expect(await code({ hospital: 'auditor', token: auditor.token })).toBe('INVITATION_ROLE');
    expect(await code({ hospital: 'right', token: '7'.repeat(64) })).toBe('INVITATION_UNKNOWN');
  });

  it('ends with its time, and when it is cancelled', async () => {
    // Some milliseconds: over when the command has ended.
    const { token } = await invited('late', '--valid-days', '0.0000001');
    expect(await code({ hospital: 'late', token })).toBe('INVITATION_EXPIRED');
    const cancelled = await invited('cancelled');
    await coordinator('invitations', 'cancel', cancelled.invitationId);
    expect(await code({ hospital: 'cancelled', token: cancelled.token })).toBe('INVITATION_CANCELLED');
  });

  it('that a thief uses first fails for the hospital, and both sides see it', async () => {
    const { token } = await invited('stolen');
    const thief = await attempt({ hospital: 'stolen', token });
    expect(thief.answer.ok).toBe(true);
    const robbed = await run('hospital', 'join', 'stolen.json', '--home', 'stolen', '--format', 'json');
    expect(robbed.status).toBe(6);
    const { words, state, refusals } = await show('stolen');
    expect(robbed.stderr).toMatch(new RegExp(`^INVITATION_USED: .*${words}`));
    expect(state).toBe('provisional');
    expect(refusals.map((one) => one.code)).toContain('INVITATION_USED');
    const status = (await thief.raw.ask('membership', {})).status as Envelope;
    const seen = parseUnverified('membership-status', status).body.refusals.map((one) => one.code);
    expect(seen).toContain('INVITATION_USED');
  });

  it.each([
    ['larger than any', () => writeFile(path('bad.json'), ' '.repeat(20_000)), 'INVITATION_INVALID'],
    ['with a field that none has', () => altered((body) => ({ ...body, extra: 1 })), 'INVITATION_INVALID'],
    ['for a path', () => altered((body) => ({ ...body, hospitalId: '../../etc' })), 'INVITATION_INVALID'],
    ['signed by another key', () => altered((body) => body, generateIdentity()), 'INVITATION_INVALID'],
    ['that is a device', () => symlink('/dev/zero', path('bad.json')), 'INVITATION_INVALID'],
  ])('%s is refused, and nothing is made', async (_, make, refusal) => {
    await rm(path('bad.json'), { force: true });
    await make();
    const ending = await run('hospital', 'join', 'bad.json', '--home', 'nobody');
    expect(ending.status).toBe(2);
    expect(ending.stderr.split(':')[0]).toBe(refusal);
    expect(await readdir(folder)).not.toContain('nobody');
  });
});

/** Under the coordinator's name, but not by it. */
async function altered(change: (body: Record<string, Json>) => Record<string, Json>, signer = generateIdentity()) {
  const own = parseUnverified('invitation', JSON.parse(await readFile(path('right.json'), 'utf8')));
  const body = change({ ...(own.body as unknown as Record<string, Json>) });
  await writeFile(path('bad.json'), JSON.stringify(signed('invitation', body, signer)));
}

describe('a member', () => {
  const hospital = (...args: string[]) =>
    run('hospital', ...args, '--home', 'north', '--passphrase-file', 'passphrase', '--format', 'json');

  it('joins with keys under a passphrase, and does not count before it is approved', async () => {
    await invited('north');
    const joined = await hospital('join', 'north.json');
    expect([joined.status, joined.stderr]).toEqual([0, '']);
    expect(await readFile(path('north', 'identity.key'), 'utf8')).toContain('identity-sealed');
    expect((await show('north')).state).toBe('provisional');
    await writeFile(path('run.yaml'), RUN_FILE);
    expect((await coordinator('config', 'validate', 'run.yaml')).stderr).toContain('not enrolled: north');
    // Shown another roster, its people see other words: nothing is recorded.
    const differs = await hospital('verify', '--compared-by', 'Ito', '--how', 'phone', '--words', 'abandon ability');
    expect([differs.status, differs.stderr.split(':')[0]]).toEqual([6, 'WORDS_DIFFER']);
    expect((await coordinator('approve', 'north', '--compared-by', 'Weiss', '--how', 'phone')).status).toBe(0);
    expect((await hospital('verify', '--compared-by', 'Ito', '--how', 'phone')).status).toBe(0);
    expect((await coordinator('config', 'validate', 'run.yaml')).stderr).not.toContain('not enrolled');
  });

  it('is not rotated without its old key, nor to a key that nobody holds', async () => {
    const { token } = await invited('turn');
    const { raw, identity, answer } = await attempt({ hospital: 'turn', token });
    expect(answer.ok).toBe(true);
    const next = generateIdentity();
    const body = {
      ...{ v: 1, hospitalId: 'turn', coordinatorKey, at: new Date().toISOString() },
      ...{ oldKey: toHex(identity.publicKey), newKey: toHex(next.publicKey) },
    };
    const rotate = async (old: Identity, by: Identity) =>
      (await raw.ask('rotate', { old: signed('rotation', body, old), new: signed('rotation', body, by) })).code;
    expect(await rotate(generateIdentity(), next)).toBe('SIGNATURE_INVALID');
    expect(await rotate(next, next)).toBe('SIGNATURE_INVALID');
    expect(await rotate(identity, identity)).toBe('KEY_PROOF_INVALID');
    expect(await rotate(identity, next)).toBeUndefined();
    // The old one is over at once.
    expect(['SIGNATURE_INVALID', 'CUT']).toContain((await raw.ask('membership', {})).code);
  });

  it('that was revoked does not come back by any way', async () => {
    const { token } = await invited('gone');
    const { raw, identity } = await attempt({ hospital: 'gone', token });
    await coordinator('approve', 'gone', '--compared-by', 'Weiss', '--how', 'video');
    expect((await coordinator('revoke', 'gone', '--reason', 'left the consortium')).status).toBe(0);
    await expect.poll(async () => (await raw.ask('sync', {})).code, { timeout: 20_000 }).toMatch(/REVOKED|CUT/);
    const next = generateIdentity();
    const turn = {
      ...{ v: 1, hospitalId: 'gone', coordinatorKey, at: new Date().toISOString() },
      ...{ oldKey: toHex(identity.publicKey), newKey: toHex(next.publicKey) },
    };
    const rotation = { old: signed('rotation', turn, identity), new: signed('rotation', turn, next) };
    expect(['HOSPITAL_REVOKED', 'CUT']).toContain((await raw.ask('rotate', rotation)).code);
    const credentials = {
      ...{ hospitalId: 'gone' as never, coordinatorKey: fromHex(coordinatorKey) },
    };
    for (const key of [identity, next]) {
      const again = await RawHospital.connect(url);
      const { answer } = await again.answerTo({ ...credentials, identity: key });
      expect((await again.ask('prove', { answer })).code).toBe('HOSPITAL_REVOKED');
    }
    expect(await code({ hospital: 'gone', token })).toBe('INVITATION_USED');
    expect(await code({ hospital: 'gone', token, identity })).toBe('INVITATION_USED');

    // A new invitation takes a new key, and never the old one.
    await rm(path('gone.json'));
    const anew = await invited('gone');
    expect(await code({ hospital: 'gone', token: anew.token, identity })).toBe('KEY_IN_USE');
    expect((await show('gone')).state).toBe('revoked');
    expect((await attempt({ hospital: 'gone', token: anew.token })).answer.ok).toBe(true);
    expect((await show('gone')).state).toBe('provisional');
    expect((await show('north')).state).toBe('active');
  });
});

it('no token, passphrase or secret key is in a log, a journal, or what was printed', async () => {
  const key = JSON.parse(await readFile(path('office', 'coordinator.key'), 'utf8')) as { secretKey: string };
  const written = await Promise.all(
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !/\.key$|^passphrase$|^api-token$/.test(entry.name))
      // The invitations themselves are in the folder of these tests alone.
      .filter((entry) => entry.parentPath !== folder)
      .map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
  );
  const all = [...told, ...written].join('\n');
  expect(all.length).toBeGreaterThan(10_000);
  for (const secret of [PASSPHRASE, key.secretKey, ...tokens]) expect(all.includes(secret)).toBe(false);
});

const RUN_FILE = `
run: r
hospitals: [north]
study: { name: s, labels: [a, b] }
mode: sealed
head: { kind: linear }
backbone: ${'ab'.repeat(32)}
preprocessing: v1
rounds: 1
minHospitals: 1
`;
