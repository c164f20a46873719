/**
 * Claims: (1) the known answer opens; (2) what is sealed opens under the same key, with a fresh nonce each time; (3) any
 * flipped bit, a cut, and another key are refused with a code. Oracle: the design's vectors (tweetnacl by an independent
 * script, 2026-11-22).
 */
import { concatBytes, fromHex, toHex, utf8 } from '@consilium/bytes';
import { expect, it } from 'vitest';
import { sha256Of } from './hash.js';
import { openSecret, sealSecret, SEALED_SECRET_OVERHEAD, secretBytes } from './secretbox.js';

const key = fromHex('8fb90955a840f94a1e2afba6ea0d1aec63187f6b2a69d62bea02168c3dd8fbf0');
const ciphertext = fromHex('def0aeea2761ba21846ec2ca5e92d39acf548e0d71df08eebdefc31a8c9b5d313f5707d9');

it('opens the known answer', () => {
  expect(openSecret(key, concatBytes(new Uint8Array(24), ciphertext))).toEqual(utf8('share-plaintext-test'));
});

it('gives the secret back, sealed differently each time', () => {
  const secret = secretBytes(98);
  const [one, other] = [sealSecret(key, secret), sealSecret(key, secret)];
  expect(one.length).toBe(98 + SEALED_SECRET_OVERHEAD);
  expect(toHex(one)).not.toBe(toHex(other));
  expect(toHex(openSecret(key, one))).toBe(toHex(secret));
});

it('gives an empty secret back', () => {
  expect(openSecret(key, sealSecret(key, new Uint8Array(0)))).toEqual(new Uint8Array(0));
});

it('refuses what was altered, cut or sealed under another key', () => {
  const sealed = sealSecret(key, secretBytes(8));
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const flipped = Uint8Array.from(sealed, (byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    expect(() => openSecret(key, flipped)).toThrow(expect.objectContaining({ code: 'SEAL_AUTHENTICATION' }) as Error);
  }
  const refusal = (code: string): Error => expect.objectContaining({ name: 'CryptoError', code }) as Error;
  expect(() => openSecret(key, sealed.subarray(0, 39))).toThrow(refusal('SEAL_TRUNCATED'));
  expect(() => openSecret(key, sealed.subarray(0, 47))).toThrow(refusal('SEAL_AUTHENTICATION'));
  expect(() => openSecret(secretBytes(32), sealed)).toThrow(refusal('SEAL_AUTHENTICATION'));
  expect(() => openSecret(key.subarray(1), sealed)).toThrow(RangeError);
});

it('hashes parts as one text', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-4, "abc"
  expect(toHex(sha256Of(utf8('a'), utf8(''), utf8('bc')))).toBe(abc);
});
