/**
 * Claims: a secret comes back under the same identity and context and under no other; an altered or short one is refused;
 * two sealings of one secret differ. Oracle: the secret itself.
 */
import { describe, expect, it } from 'vitest';
import { openAtRest, sealAtRest } from './at-rest.js';
import { generateIdentity } from './identity.js';

const identity = generateIdentity();
const secret = Uint8Array.from({ length: 32 }, (_, i) => i * 7);

describe('at rest', () => {
  it('gives the secret back', () => {
    expect(openAtRest(sealAtRest(secret, identity, 'run/1'), identity, 'run/1')).toEqual(secret);
    expect(openAtRest(sealAtRest(new Uint8Array(0), identity, ''), identity, '')).toEqual(new Uint8Array(0));
  });

  it('does not show it, nor that it is the same one', () => {
    const [one, other] = [sealAtRest(secret, identity, 'run/1'), sealAtRest(secret, identity, 'run/1')];
    expect(Buffer.from(one).includes(Buffer.from(secret.subarray(0, 8)))).toBe(false);
    expect(one).not.toEqual(other);
  });

  it('refuses another identity, another context, and every altered byte', () => {
    const sealed = sealAtRest(secret, identity, 'run/1');
    expect(() => openAtRest(sealed, generateIdentity(), 'run/1')).toThrow('altered');
    expect(() => openAtRest(sealed, identity, 'run/2')).toThrow('altered');
    for (let at = 0; at < sealed.length; at++) {
      const altered = Uint8Array.from(sealed, (byte, i) => (i === at ? byte ^ 1 : byte));
      expect(() => openAtRest(altered, identity, 'run/1')).toThrow('altered');
    }
    expect(() => openAtRest(sealed.subarray(0, 39), identity, 'run/1')).toThrow('cut off');
  });
});
