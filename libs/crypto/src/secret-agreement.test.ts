/** Claims: the same results as `agree`, and the same refusals. Oracle: `agree`, which has the known answers. */
import { fromHex, toHex } from '@consilium/bytes';
import { expect, it } from 'vitest';
import { agree, generateRoundKey } from './agreement.js';
import { agreeWithMany } from './secret-agreement.js';

it('gives what agree gives, for one peer after the other', () => {
  const own = generateRoundKey();
  const agreeWith = agreeWithMany(own.secretKey);
  for (const peer of [generateRoundKey(), generateRoundKey(), own]) {
    expect(toHex(agreeWith(peer.publicKey))).toBe(toHex(agree(own.secretKey, peer.publicKey)));
  }
});

it('refuses keys of low order and of another length', () => {
  const agreeWith = agreeWithMany(generateRoundKey().secretKey);
  const order8 = fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800');
  for (const key of [new Uint8Array(32), order8]) {
    expect(() => agreeWith(key)).toThrow(expect.objectContaining({ code: 'LOW_ORDER_KEY' }) as Error);
  }
  expect(() => agreeWith(new Uint8Array(31))).toThrow(RangeError);
  expect(() => agreeWithMany(new Uint8Array(33))).toThrow(RangeError);
});
