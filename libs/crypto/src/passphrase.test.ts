/**
 * Claims: (1) a key file under a passphrase has the spelling of SPEC section 3.1, and whoever has file and passphrase has the
 * key, also without this code; (2) it opens with that passphrase alone, in whatever way its letters are composed; (3) without
 * one, with another one, or altered it is refused with its code; (4) a short passphrase makes no file; (5) fields that are not
 * those of the specification are no sealed key.
 * Oracle: scrypt of node:crypto and secretbox of tweetnacl, put together here from the text of the specification.
 */
import { scryptSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex, toHex } from '@consilium/bytes';
import nacl from 'tweetnacl';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityFromSecretKey } from './identity.js';
import { loadIdentity, loadOrCreateIdentity } from './key-file.js';
import { openWithPassphrase } from './passphrase.js';

const PASSPHRASE = 'Zwölf Zeichen';
let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'consilium-key-'));
  path = join(folder, 'identity.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const refusal = (code: string): Error => expect.objectContaining({ name: 'CryptoError', code }) as Error;
type Fields = Record<'publicKey' | 'salt' | 'sealed' | 'type', string>;
const fieldsHere = (): Fields => JSON.parse(readFileSync(path, 'utf8')) as Fields;

describe('a key under a passphrase', () => {
  it('is what the specification says, and the same at the next start', async () => {
    const { identity, created } = await loadOrCreateIdentity(path, PASSPHRASE);
    const { publicKey, salt, sealed, type } = fieldsHere();
    expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify({ publicKey, salt, sealed, type })}\n`);
    expect([type, created, salt.length, sealed.length]).toEqual(['consilium/identity-sealed/v1', true, 32, 144]);
    const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 };
    const key = new Uint8Array(scryptSync(PASSPHRASE.normalize('NFC'), fromHex(salt), 32, cost));
    const box = fromHex(sealed);
    const secret = nacl.secretbox.open(box.slice(24), box.slice(0, 24), key);
    expect(identityFromSecretKey(secret ?? new Uint8Array(32)).publicKey).toEqual(identity.publicKey);
    expect(toHex(identity.publicKey)).toBe(publicKey);

    const again = await loadOrCreateIdentity(path, PASSPHRASE.normalize('NFD'));
    expect([again.created, toHex(again.identity.publicKey)]).toEqual([false, publicKey]);
  });

  it('is not opened otherwise', async () => {
    await loadOrCreateIdentity(path, PASSPHRASE);
    await expect(loadIdentity(path)).rejects.toThrow(refusal('KEY_FILE_LOCKED'));
    await expect(loadIdentity(path, PASSPHRASE.toLowerCase())).rejects.toThrow(refusal('PASSPHRASE_WRONG'));
    const { salt, sealed, ...others } = fieldsHere();
    const altered = sealed.startsWith('0') ? `1${sealed.slice(1)}` : `0${sealed.slice(1)}`;
    const { publicKey, type } = others;
    writeFileSync(path, `${JSON.stringify({ publicKey, salt, sealed: altered, type })}\n`);
    await expect(loadIdentity(path, PASSPHRASE)).rejects.toThrow(refusal('PASSPHRASE_WRONG'));
  });

  it('is not made of a passphrase of eleven characters', async () => {
    await expect(loadOrCreateIdentity(path, 'x'.repeat(11))).rejects.toThrow(refusal('PASSPHRASE_WEAK'));
    expect(readdirSync(folder)).toEqual([]);
    expect((await loadOrCreateIdentity(path, 'x'.repeat(12))).created).toBe(true);
  });
});

const [salt, sealed] = ['0f'.repeat(16), 'a9'.repeat(72)];
it.each<[string, Record<string, unknown>]>([
  ['without a salt', { sealed }],
  ['without a box', { salt }],
  ['with a short salt', { salt: salt.slice(2), sealed }],
  ['with a long box', { salt, sealed: `${sealed}a9` }],
  ['in upper case', { salt: salt.toUpperCase(), sealed }],
  ['with a salt that begins well', { salt: `${salt.slice(1)}g`, sealed }],
  ['with a salt that ends well', { salt: `g${salt.slice(1)}`, sealed }],
  ['with a salt that is a list', { salt: Array.from(salt), sealed }],
  ['with a cost', { salt, sealed, N: 2 }],
])('fields %s are no sealed key', async (_, fields) => {
  expect(await openWithPassphrase(fields, path, PASSPHRASE)).toBeUndefined();
});
