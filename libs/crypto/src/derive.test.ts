/**
 * Claims: (1) HKDF and SHA-256 give the published answers; (2) a blob's digest does not depend on how it is cut, and
 * is the one of libs/bytes, which shares no code with node:crypto; (3) misuse is refused.
 * Oracles: RFC 5869 appendix A, FIPS 180-4 examples, `sha256Hex`.
 */
import { fromHex, sha256Hex, toHex, utf8 } from '@consilium/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlobDigest, digestBlob, hkdfSha256 } from './derive.js';

describe('hkdfSha256', () => {
  const ikm = new Uint8Array(22).fill(0x0b);

  it('gives the answers of RFC 5869 A.1 and A.3', () => {
    const [salt, info] = [fromHex('000102030405060708090a0b0c'), fromHex('f0f1f2f3f4f5f6f7f8f9')];
    const a1 = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';
    const a3 = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8';
    expect(toHex(hkdfSha256(ikm, salt, info, 42))).toBe(a1);
    expect(toHex(hkdfSha256(ikm, salt, info))).toBe(a1.slice(0, 64));
    expect(toHex(hkdfSha256(ikm, salt, info, 1))).toBe(a1.slice(0, 2));
    expect(toHex(hkdfSha256(ikm, new Uint8Array(0), new Uint8Array(0), 42))).toBe(a3);
  });

  it.each([0, -1, 1.5, 8161, Number.NaN])('refuses a length of %d', (length) => {
    expect(() => hkdfSha256(ikm, ikm, ikm, length)).toThrow(RangeError);
  });
});

describe('digests', () => {
  it('are SHA-256', () => {
    expect(digestBlob(utf8('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(digestBlob(new Uint8Array(0))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('do not depend on the cuts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (chunks) => {
        const whole = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
        const digest = new BlobDigest();
        for (const chunk of chunks) digest.update(chunk);
        expect(digest.sizeBytes).toBe(whole.length);
        expect(digest.finish()).toBe(sha256Hex(whole));
        expect(digestBlob(whole)).toBe(sha256Hex(whole));
      }),
    );
  });

  it('refuse text, and more after the end', () => {
    const digest = new BlobDigest();
    expect(() => digest.update('abc' as unknown as Uint8Array)).toThrow(TypeError);
    digest.finish();
    expect(() => digest.update(Uint8Array.of(1))).toThrow();
    expect(() => digest.finish()).toThrow();
  });
});
