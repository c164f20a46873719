/**
 * Claims: a hospital opens only as what it was made, also after a rotation that a crash cut off; a pinned card is checked each
 * time, and what proves nothing is no card. Oracle: the bytes of the files, statements signed here.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { generateIdentity, loadOrCreateIdentity, signBytes, type Identity } from '@consilium/crypto';
import { signStatement, type HospitalId } from '@consilium/protocol';
import { HospitalError } from './errors.js';
import { NEXT_KEY, openIdentity, pinnedCoordinator, writeEnrolment } from './home.js';

let home: string;
beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), 'consilium-home-')), 'hospital');
  await mkdir(home);
});
afterEach(async () => {
  await rm(join(home, '..'), { recursive: true });
});

/** @param named - whose key stands on the card; `signer` signs it. */
function card(named: Identity, signer = named): string {
  const body = { v: 1 as const, name: 'office', identityKey: toHex(named.publicKey) };
  const { envelope } = signStatement('coordinator-card', body, 'coordinator', (bytes) => signBytes(signer, bytes));
  return JSON.stringify(envelope);
}

const pin = (text: string): Promise<void> => writeFile(join(home, 'coordinator-card.json'), text);

const codeOf = (error: unknown): string => (error instanceof HospitalError ? error.code : String(error));
const refusal = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'accepted', codeOf);

async function made(name: string, key = 'identity.key'): Promise<Identity> {
  const { identity } = await loadOrCreateIdentity(join(home, key));
  await writeEnrolment(home, name as HospitalId, identity);
  return identity;
}

describe('openIdentity', () => {
  it('asks for an invitation where there is none', async () => {
    expect(await refusal(openIdentity(home))).toBe('NOT_INITIALISED');
  });

  it('refuses the enrolment of another hospital beside the key', async () => {
    await made('north');
    await writeEnrolment(home, 'south' as HospitalId, generateIdentity());
    await expect(openIdentity(home)).rejects.toThrow('does not belong to the key');
    await writeFile(join(home, 'enrolment.json'), '{}');
    expect(await refusal(openIdentity(home))).toBe('NOT_INITIALISED');
  });

  it('ends a rotation that a crash cut off, and only one that had come so far', async () => {
    const old = await made('north');
    const { identity: next } = await loadOrCreateIdentity(join(home, NEXT_KEY));
    // The coordinator has not taken the new key: the old one counts.
    expect((await openIdentity(home)).identity.publicKey).toEqual(old.publicKey);
    await writeEnrolment(home, 'north' as HospitalId, next);
    expect((await openIdentity(home)).identity.publicKey).toEqual(next.publicKey);
    expect(await readdir(home)).not.toContain(NEXT_KEY);
    expect((await openIdentity(home)).identity.publicKey).toEqual(next.publicKey);
  });
});

describe('pinnedCoordinator', () => {
  it('is the key of a card that its owner signed', async () => {
    expect(await refusal(pinnedCoordinator(home))).toBe('CARD_MISSING');
    const [office, other] = [generateIdentity(), generateIdentity()];
    await pin(card(office));
    expect(await pinnedCoordinator(home)).toEqual(office.publicKey);
    await made('north');
    const bad = {
      'signed by another key': card(other, office),
      'an enrolment': await readFile(join(home, 'enrolment.json'), 'utf8'),
      'no JSON': 'card',
      'too large': card(office) + ' '.repeat(300_000),
      'a key of small order': card({ ...office, publicKey: new Uint8Array(32) }),
      altered: card(office).replace(/"payload":"./, '"payload":"A'),
    };
    for (const [what, text] of Object.entries(bad)) {
      await pin(text);
      expect(await refusal(pinnedCoordinator(home)), what).toBe('CARD_INVALID');
    }
  });
});
