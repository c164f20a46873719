/**
 * Claims: (1) `agree` is X25519 of RFC 7748 and, byte for byte, that of tweetnacl; (2) every spelling of every point
 * of low order is refused, where tweetnacl silently gives zeros; (3) keys of a wrong length are refused.
 * Oracles: RFC 7748 sections 5.2 and 6.1; tweetnacl; the list of low-order points of libsodium and cr.yp.to/ecdh.html.
 */
import { fromHex, toHex } from '@consilium/bytes';
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { agree, generateRoundKey, isSafeAgreementKey, roundPublicKey } from './agreement.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const thrownBy = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe('agree', () => {
  it.each([
    [
      'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
      'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
      'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
    ],
    [
      '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
      'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
      '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
    ],
  ])('gives the answer of RFC 7748 section 5.2 for the scalar %s', (scalar, u, result) => {
    expect(toHex(agree(fromHex(scalar), fromHex(u)))).toBe(result);
  });

  it('gives the answers of RFC 7748 section 5.2 after 1 and 1,000 iterations', () => {
    let k = Uint8Array.of(9, ...new Uint8Array(31));
    let u = k;
    for (let i = 1; i <= 1000; i += 1) {
      [k, u] = [Uint8Array.from(agree(k, u)), k];
      if (i === 1) expect(toHex(k)).toBe('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079');
    }
    expect(toHex(k)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51');
  });

  it('is byte for byte tweetnacl, also for non-canonical keys', () => {
    fc.assert(
      fc.property(key, key, (secretKey, publicKey) => {
        expect(agree(secretKey, publicKey)).toEqual(nacl.scalarMult(secretKey, publicKey));
        expect(roundPublicKey(secretKey)).toEqual(nacl.scalarMult.base(secretKey));
      }),
      { numRuns: 50 },
    );
  });

  it('gives both sides the same secret', () => {
    const [a, b] = [generateRoundKey(), generateRoundKey()];
    expect(agree(a.secretKey, b.publicKey)).toEqual(agree(b.secretKey, a.publicKey));
    expect(isSafeAgreementKey(a.publicKey)).toBe(true);
  });
});

describe('low-order points', () => {
  const points = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];
  // X25519 ignores bit 255, so each has a second spelling.
  const spellings = points.flatMap((hex) => {
    const high = fromHex(hex);
    high[31] = (high[31] ?? 0) | 0x80;
    return [hex, toHex(high)];
  });

  it.each(spellings)('%s is refused, where tweetnacl gives zeros', (hex) => {
    const { secretKey } = generateRoundKey();
    expect(nacl.scalarMult(secretKey, fromHex(hex))).toEqual(new Uint8Array(32));
    expect(thrownBy(() => agree(secretKey, fromHex(hex)))).toMatchObject({
      name: 'CryptoError',
      code: 'LOW_ORDER_KEY',
    });
    expect(isSafeAgreementKey(fromHex(hex))).toBe(false);
  });
});

describe('malformed keys', () => {
  it.each([0, 31, 33, 64])('%i bytes are refused', (length) => {
    const { publicKey, secretKey } = generateRoundKey();
    expect(thrownBy(() => agree(new Uint8Array(length).fill(9), publicKey))).toBeInstanceOf(RangeError);
    expect(thrownBy(() => agree(secretKey, new Uint8Array(length).fill(9)))).toBeInstanceOf(RangeError);
    expect(isSafeAgreementKey(new Uint8Array(length).fill(9))).toBe(false);
  });

  it('what is not bytes is no safe key', () => {
    for (const value of [undefined, null, 'key', Array.from({ length: 32 }, () => 9)]) {
      expect(isSafeAgreementKey(value as unknown as Uint8Array)).toBe(false);
    }
  });
});
