/**
 * Claims: (1) hex and base64 agree with Node's Buffer for all bytes; (2) each byte string has one text: decoding takes
 * only what encoding gives, and everything else is refused with a code. Oracles: Buffer; RFC 4648 section 10.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytesError } from './bytes.js';
import { fromBase64, fromHex, toBase64, toHex } from './text.js';

function codeOf(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    if (error instanceof BytesError) return error.code;
    throw error;
  }
  return 'accepted';
}

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

describe('hex', () => {
  it('agrees with Buffer both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
      { seed: 4648 },
    );
    expect(fromHex(toHex(everyByte))).toEqual(everyByte);
  });

  it.each(['0', '000', 'AB', 'aB', '0g', ' 00', '00 ', '00\n', '0x00', '-1', '００'])('refuses %j', (text) => {
    expect(codeOf(() => fromHex(text))).toBe('NOT_HEX');
  });

  it('takes a million digits', () => {
    expect(fromHex('ab'.repeat(500_000))).toHaveLength(500_000);
  });
});

describe('base64', () => {
  it('agrees with RFC 4648 section 10 and with Buffer', () => {
    const published = ['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'];
    published.forEach((text, length) => {
      expect(toBase64(new TextEncoder().encode('foobar'.slice(0, length)))).toBe(text);
    });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
      { seed: 4648 },
    );
    // Longer than one call of String.fromCharCode takes.
    const long = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
    expect(toBase64(long)).toBe(Buffer.from(long).toString('base64'));
    expect(fromBase64(toBase64(long))).toEqual(long);
  });

  it.each(['Zg', 'Zg=', 'Zg===', '====', '=', 'Zh==', 'Zm9=', 'Zm9v=', 'Zg==Zg==', 'Z g=', 'Zm9v\n', '-_-_', 'Zm9é'])(
    'refuses %j',
    (text) => {
      expect(codeOf(() => fromBase64(text))).toBe('NOT_BASE64');
    },
  );

  it('takes no text but that of its bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('AQgwZ9+/=- \n')) }), (text) => {
        if (codeOf(() => fromBase64(text)) === 'accepted') expect(toBase64(fromBase64(text))).toBe(text);
      }),
      { seed: 4648, numRuns: 2_000 },
    );
  });
});
