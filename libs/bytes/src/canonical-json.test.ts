/**
 * Claims: (1) every value of the profile has the spelling of RFC 8785; (2) the spelling does not depend on the order in
 * which keys were written; (3) parsing takes that spelling alone and gives back the value, `__proto__` included;
 * (4) what is outside the profile, too deep or holds itself is refused with a code, without its content in the message.
 * Oracles: vectors/canonical_json.py (Python's json module), RFC 8785 section 3.2.2.2, and JSON.parse for the way back.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytesError, utf8 } from './bytes.js';
import { canonicalBytes, canonicalJson, parseCanonicalJson, type Json } from './canonical-json.js';
import { sha256Hex } from './sha256.js';
import { fromHex } from './text.js';

interface Vectors {
  readonly spelled: readonly { readonly loose: string; readonly canonical: string; readonly sha256: string }[];
  readonly refused: readonly { readonly name: string; readonly hex: string; readonly code: string }[];
}
const vectors = JSON.parse(readFileSync(new URL('../vectors/canonical-json.json', import.meta.url), 'utf8')) as Vectors;

/** The error of `work`; a test fails here if there is none, or one of another class. */
function errorOf(work: () => unknown): BytesError {
  try {
    work();
  } catch (error) {
    if (error instanceof BytesError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the spelling', () => {
  it('is that of Python for every vector', () => {
    for (const { loose, canonical, sha256 } of vectors.spelled) {
      expect(canonicalJson(JSON.parse(loose) as Json)).toBe(canonical);
      expect(sha256Hex(canonicalBytes(JSON.parse(loose) as Json))).toBe(sha256);
    }
    expect(vectors.spelled.length).toBeGreaterThan(50);
  });

  it('escapes what RFC 8785 section 3.2.2.2 escapes, and nothing else', () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/')).toBe(String.raw`"€$\u000f\nA'B\"\\\\\"/"`);
    expect(canonicalJson('\b\t\f\r\0\x7f\u2028\u{1f600}')).toBe('"\\b\\t\\f\\r\\u0000\x7f\u2028\u{1f600}"');
  });

  it('sorts keys as strings, at every depth', () => {
    expect(canonicalJson({ b: 1, a: { 10: 1, 9: 2, A: 3 }, '': [] })).toBe('{"":[],"a":{"10":1,"9":2,"A":3},"b":1}');
  });

  it('does not depend on the order of keys, and comes back as the same value', () => {
    const key = fc.string({ unit: 'grapheme-ascii', maxLength: 6 });
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger().map((n) => n + 0),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (original) => {
        const bytes = canonicalBytes(original);
        expect(parseCanonicalJson(bytes)).toEqual(original);
        expect(canonicalBytes(reversed(original))).toEqual(bytes);
      }),
      { seed: 8785, numRuns: 500 },
    );
  });
});

/** The same value with the keys of every object written in reverse. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => reversed(item));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, item]) => [key, reversed(item)] as const);
  return Object.fromEntries(entries.reverse());
}

describe('parsing', () => {
  it.each(vectors.refused)('refuses $name', ({ hex, code }) => {
    expect(errorOf(() => parseCanonicalJson(fromHex(hex))).code).toBe(code);
  });

  it('keeps __proto__ and constructor as mere keys', () => {
    const source = '{"__proto__":{"admin":true},"constructor":1}';
    const value = parseCanonicalJson(utf8(source)) as Record<string, Json>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect('admin' in value).toBe(false);
    expect(canonicalJson(value)).toBe(source);
  });

  it.each([64, 65, 190_000])('answers %i levels with a value or a code, not with an overflow', (levels) => {
    for (const source of ['['.repeat(levels) + ']'.repeat(levels), '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)]) {
      const parse = (): Json => parseCanonicalJson(utf8(source));
      if (levels <= 64) expect(canonicalJson(parse())).toBe(source);
      else expect(errorOf(parse).code).toMatch(/^NOT_/);
    }
  });

  it('puts nothing of the input into its messages', () => {
    for (const hostile of [
      '{"CANARY":1.5}',
      '{"CANARY":1,"CANARY":1}',
      '"CANARY',
      '{"CANARYé":1}',
      '"CANARY\\ud800"',
    ]) {
      expect(errorOf(() => parseCanonicalJson(utf8(hostile))).message).not.toContain('CANARY');
    }
  });
});

describe('values outside the profile', () => {
  const itself: Json[] = [];
  itself.push(itself);
  // Our own code is typed; these come by way of `as` and from JavaScript.
  const outside: Record<string, unknown> = {
    'a fraction': 0.1,
    NaN: Number.NaN,
    'minus zero': -0,
    'an unsafe integer': 2 ** 53,
    undefined: undefined,
    'undefined in an object': { a: undefined },
    // eslint-disable-next-line no-sparse-arrays -- the hole is what is tested
    'a hole': [1, , 2],
    'a bigint': 1n,
    'a symbol': Symbol('a'),
    'a function': () => 1,
    'a date': new Date(0),
    'a map': new Map(),
    bytes: new Uint8Array(2),
    'an object without a prototype': Object.create(null) as unknown,
    'a lone surrogate': 'a\ud800',
    'a key outside ASCII': { é: 1 },
    'an array that holds itself': itself,
  };
  it.each(Object.entries(outside))('refuses %s', (_name, value) => {
    expect(errorOf(() => canonicalJson(value as Json)).code).toBe('NOT_CANONICAL_JSON');
  });
});
