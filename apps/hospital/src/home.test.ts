/**
 * Claims: an identity is made once and never replaced; what cannot be proved to be a coordinator's card is not pinned, and
 * leaves an older pin as it was; a hospital opens only as what it was made. Oracle: the bytes of the files.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { fingerprint, generateIdentity, signBytes, type Identity } from '@consilium/crypto';
import { signStatement } from '@consilium/protocol';
import { HospitalError } from './errors.js';
import { initialise, openIdentity, pinnedCoordinator, trust } from './home.js';

let home: string;
beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), 'consilium-home-')), 'hospital');
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

async function write(text: string): Promise<string> {
  const file = join(home, '..', 'card.json');
  await writeFile(file, text);
  return file;
}

const codeOf = (error: unknown): string => (error instanceof HospitalError ? error.code : String(error));
const refusal = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'accepted', codeOf);

describe('initialise', () => {
  it('makes an identity once: the second call keeps the key and says the same fingerprint', async () => {
    const first = await initialise(home, 'north');
    const key = await readFile(join(home, 'identity.key'));
    expect(await initialise(home, 'north')).toEqual(first);
    expect(await readFile(join(home, 'identity.key'))).toEqual(key);
    const { identity, hospitalId } = await openIdentity(home);
    expect([hospitalId, fingerprint(identity.publicKey)]).toEqual(['north', first.fingerprint]);
  });

  it.each(['', 'North', 'a b', '-a', 'a-', '../b', 'x'.repeat(64)])(
    'refuses the name %j and makes nothing',
    async (name) => {
      expect(await refusal(initialise(home, name))).toBe('CONFIG_INVALID');
      await expect(readFile(join(home, 'identity.key'))).rejects.toThrow('ENOENT');
    },
  );
});

describe('openIdentity', () => {
  it('asks for init where there is none', async () => {
    expect(await refusal(openIdentity(home))).toBe('NOT_INITIALISED');
  });

  it('refuses the enrolment of another hospital beside the key', async () => {
    await initialise(home, 'north');
    await initialise(`${home}-2`, 'south');
    await writeFile(join(home, 'enrolment.json'), await readFile(join(`${home}-2`, 'enrolment.json')));
    await expect(openIdentity(home)).rejects.toThrow('does not belong to the key');
  });
});

describe('trust', () => {
  it('pins the key of a card and gives its fingerprint', async () => {
    const office = generateIdentity();
    const pinned = await trust(home, await write(card(office)));
    expect(pinned).toEqual({ name: 'office', fingerprint: fingerprint(office.publicKey) });
    expect(await pinnedCoordinator(home)).toEqual(office.publicKey);
  });

  it('refuses what proves nothing, and keeps the older pin', async () => {
    const [office, other] = [generateIdentity(), generateIdentity()];
    await trust(home, await write(card(office)));
    await initialise(home, 'north');
    const bad = {
      'signed by another key': card(other, office),
      'an enrolment': await readFile(join(home, 'enrolment.json'), 'utf8'),
      'no JSON': 'card',
      'too large': card(office) + ' '.repeat(300_000),
      'a key of small order': card({ ...office, publicKey: new Uint8Array(32) }),
    };
    for (const [what, text] of Object.entries(bad)) {
      expect(await refusal(trust(home, await write(text))), what).toBe('CARD_INVALID');
    }
    expect(await refusal(trust(home, join(home, 'none.json')))).toBe('FILE_MISSING');
    expect(await pinnedCoordinator(home)).toEqual(office.publicKey);
  });

  it('is asked for where no card is pinned', async () => {
    expect(await refusal(pinnedCoordinator(home))).toBe('CARD_MISSING');
  });

  it('is checked again each time: a pinned card that was altered is refused', async () => {
    await trust(home, await write(card(generateIdentity())));
    const file = join(home, 'coordinator-card.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"payload":"./, '"payload":"A'));
    expect(await refusal(pinnedCoordinator(home))).toBe('CARD_INVALID');
  });
});
