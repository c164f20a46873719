/**
 * Claims: (1) the layout is u32 big-endian length, then bytes; (2) an encoding can be taken apart into exactly the parts
 * that it was made of, so two different lists never share one; (3) a string without UTF-8 is refused and not replaced.
 * Oracle: a decoder written here with Buffer.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { concatBytes, equalBytes, utf8 } from './bytes.js';
import { lengthPrefixed } from './length-prefixed.js';
import { toHex } from './text.js';

function partsOf(encoded: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(encoded);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < buffer.length;) {
    const end = at + 4 + buffer.readUInt32BE(at);
    parts.push(new Uint8Array(buffer.subarray(at + 4, end)));
    at = end;
  }
  return parts;
}

it('writes each length before its part', () => {
  expect(toHex(lengthPrefixed('é', '', Uint8Array.of(255)))).toBe('00000002c3a90000000000000001ff');
  expect(lengthPrefixed()).toHaveLength(0);
  expect(toHex(lengthPrefixed(new Uint8Array(258)).subarray(0, 4))).toBe('00000102');
});

it('can be taken apart again, so no two lists share an encoding', () => {
  const list = fc.array(fc.uint8Array({ maxLength: 5, max: 6 }), { maxLength: 5 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      expect(partsOf(lengthPrefixed(...a))).toEqual(a);
      const same = a.length === b.length && a.every((part, i) => equalBytes(part, b[i] ?? new Uint8Array(99)));
      expect(equalBytes(lengthPrefixed(...a), lengthPrefixed(...b))).toBe(same);
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

it('tells lists apart that plain concatenation confuses', () => {
  const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc']];
  expect(new Set(lists.map((parts) => toHex(concatBytes(...parts.map(utf8))))).size).toBe(1);
  expect(new Set(lists.map((parts) => toHex(lengthPrefixed(...parts)))).size).toBe(lists.length);
});

it('refuses lone surrogates, which would all become U+FFFD', () => {
  expect(() => lengthPrefixed('a', '\ud800')).toThrow(TypeError);
  expect(toHex(lengthPrefixed('\ufffd', '\u{1f600}'))).toBe('00000003efbfbd00000004f09f9880');
});
