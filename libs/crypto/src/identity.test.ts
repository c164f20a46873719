/**
 * Claims: (1) a fingerprint is the published function of the bytes; (2) identities differ, and printing, inspecting or
 * serialising one shows no secret. Oracle for (1): Python's hashlib and struct, constants below.
 */
import { inspect } from 'node:util';
import { toBase64, toHex, utf8 } from '@consilium/bytes';
import { describe, expect, it } from 'vitest';
import { fingerprint, generateIdentity } from './identity.js';
import { rawSecretKey } from './raw-keys.js';

describe('fingerprint', () => {
  it('is eight groups of five digits', () => {
    expect(fingerprint(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(
      '25357 52521 26308 13158 37138 21576 48050 23375',
    );
    expect(fingerprint(utf8('[]'))).toBe('20307 52641 35883 43532 00852 47967 39486 52197');
  });
});

describe('generateIdentity', () => {
  it('makes another identity each time', () => {
    expect(generateIdentity().publicKey).not.toEqual(generateIdentity().publicKey);
  });

  it('keeps the secret out of what is printed, inspected or serialised', () => {
    const identity = generateIdentity();
    const secret = rawSecretKey('ed25519', identity.secretKey);
    const shown = [
      JSON.stringify(identity),
      inspect(identity, { depth: 9, showHidden: true }),
      JSON.stringify(Object.getOwnPropertyDescriptors(identity.secretKey)),
    ].join();
    for (const spelling of [toHex(secret), toBase64(secret), secret.join(','), secret.join(', ')]) {
      expect(shown).not.toContain(spelling);
    }
  });
});
