/**
 * Claims: an invitation is read as its coordinator signed it, up to its last moment, with the words that the coordinator shows;
 * whatever else is handed over (altered, of another card, role or key, too large, no file at all, names that lead elsewhere) is
 * refused by its code, and the message holds no token. Oracle: invitations signed here; the digest of what was signed.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalBytes, concatBytes, sha256Hex, toBase64, toHex, utf8, type Json } from '@consilium/bytes';
import { CODE_WORDS, digestWords, generateIdentity, signBytes, type Identity } from '@consilium/crypto';
import { limits } from '@consilium/protocol';
import { HospitalError } from '../errors.js';
import { readInvitation } from './invitation-file.js';

const [office, other] = [generateIdentity(), generateIdentity()];
const TOKEN = 'c5'.repeat(32);
const EXPIRES = '2030-01-08T00:00:00.000Z';
const BEFORE = new Date(Date.parse(EXPIRES) - 1);

/** DSSE written out a second time. */
function signed(name: string, body: Json, signer: Identity): { envelope: object; digest: string } {
  const payloadType = `application/vnd.consilium.${name}.v1+json`;
  const payload = canonicalBytes(body);
  const bytes = concatBytes(utf8(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload);
  const signatures = [{ keyid: 'coordinator', sig: toBase64(signBytes(signer, bytes)) }];
  return { envelope: { payloadType, payload: toBase64(payload), signatures }, digest: sha256Hex(bytes) };
}
const cardOf = (named: Identity, signer = named): Json =>
  signed('coordinator-card', { v: 1, name: 'Office', identityKey: toHex(named.publicKey) }, signer).envelope as Json;

const BODY: Readonly<Record<string, Json>> = {
  ...{ v: 1, invitationId: 'ab'.repeat(8), identityKey: toHex(office.publicKey), card: cardOf(office) },
  ...{ address: 'https://coordinator.example', tlsPin: null, hospitalId: 'north', displayName: 'St. Anna' },
  ...{ role: 'hospital', expiresAt: EXPIRES, token: TOKEN },
};
const invitation = (changes: Readonly<Record<string, Json>> = {}, signer = office) =>
  signed('invitation', { ...BODY, ...changes }, signer);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-invitation-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string, now = BEFORE): Promise<string> {
  const file = join(folder, 'invitation.json');
  await writeFile(file, text);
  return outcome(file, now);
}
const outcome = (file: string, now = BEFORE): Promise<string> =>
  readInvitation(file, now).then(
    () => 'read',
    (error: unknown) => {
      if (!(error instanceof HospitalError)) throw error;
      expect(error.message).not.toContain(TOKEN);
      return error.code;
    },
  );
const textOf = (changes?: Readonly<Record<string, Json>>, signer?: Identity): string =>
  JSON.stringify(invitation(changes, signer).envelope);

describe('an invitation', () => {
  it('is read with the words of its digest, its card as it is pinned, and the hash of its token', async () => {
    const { envelope, digest } = invitation();
    const file = join(folder, 'good.json');
    await writeFile(file, JSON.stringify(envelope, null, 2));
    const got = await readInvitation(file, BEFORE);
    expect(got).toMatchObject({ coordinatorName: 'Office', code: digestWords(digest, CODE_WORDS) });
    expect(got.tokenHash).toBe(sha256Hex(Buffer.from(TOKEN, 'hex')));
    expect(JSON.parse(got.cardText)).toEqual(cardOf(office));
    expect(got.body).toEqual(BODY);
  });

  it('is over at its time, and not a moment before', async () => {
    expect(await read(textOf(), BEFORE)).toBe('read');
    expect(await read(textOf(), new Date(EXPIRES))).toBe('INVITATION_EXPIRED');
  });

  it.each<readonly [string, () => string]>([
    ['signed by another key', () => textOf({}, other)],
    ['with the card of another coordinator', () => textOf({ card: cardOf(other) })],
    ['with a card that somebody else signed', () => textOf({ card: cardOf(office, other) })],
    ['with no card', () => textOf({ card: {} })],
    ['for an auditor', () => textOf({ role: 'auditor' })],
    ['with a path for a name', () => textOf({ hospitalId: '../../etc' })],
    ['with a path for an id', () => textOf({ invitationId: '../../../../etc' })],
    ['with a name of several lines', () => textOf({ displayName: 'St. Anna\n\u001b[2J' })],
    ['to an address that is no web address', () => textOf({ address: 'file:///etc/passwd' })],
    ['with a field that none has', () => textOf({ extra: 1 })],
    ['with a short token', () => textOf({ token: 'c5' })],
    ['that is a card', () => JSON.stringify(cardOf(office))],
    ['without an end', () => textOf().slice(0, -2)],
    ['of nothing', () => ''],
    ['that is an array', () => '[]'],
    ['as deep as a stack', () => '['.repeat(10_000)],
  ])('%s is refused', async (_, make) => {
    expect(await read(make())).toBe('INVITATION_INVALID');
  });

  it('may be as large as the limit, and no larger', async () => {
    const text = textOf();
    expect(await read(text.padEnd(limits.invitationBytes))).toBe('read');
    expect(await read(text.padEnd(limits.invitationBytes + 1))).toBe('INVITATION_INVALID');
  });

  it('is a file', async () => {
    expect(await outcome(join(folder, 'none.json'))).toBe('FILE_MISSING');
    await mkdir(join(folder, 'folder.json'));
    expect(await outcome(join(folder, 'folder.json'))).toBe('INVITATION_INVALID');
    await symlink('/dev/zero', join(folder, 'device.json'));
    expect(await outcome(join(folder, 'device.json'))).toBe('INVITATION_INVALID');
    if (process.platform === 'win32') return;
    await promisify(execFile)('mkfifo', [join(folder, 'pipe.json')]);
    // Nobody writes into it: who waits for one would wait for ever.
    expect(await outcome(join(folder, 'pipe.json'))).toBe('INVITATION_INVALID');
  });
});
