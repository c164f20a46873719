/**
 * Claims: (1) the example of README.md compiles, runs and says the truth; (2) sha256 is SHA-256; (3) equalBytes compares
 * the whole. Oracles: the README's own text; the vectors of FIPS 180-4 as NIST publishes them, and node:crypto.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { canonicalBytes, equalBytes, lengthPrefixed, parseCanonicalJson, sha256Hex, utf8 } from './index.js';

it('runs the example of the README', () => {
  // example
  const bytes = canonicalBytes({ round: 3, from: 'north' }); // {"from":"north","round":3}
  const statement = parseCanonicalJson(bytes); // any other spelling of the same value throws NOT_CANONICAL_JSON
  const name = sha256Hex(lengthPrefixed('consilium/example/v1', bytes)); // 64 lower-case hex digits
  // end
  expect(new TextDecoder().decode(bytes)).toBe('{"from":"north","round":3}');
  expect(statement).toEqual({ round: 3, from: 'north' });
  expect(name).toMatch(/^[0-9a-f]{64}$/);

  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});

it('is SHA-256', () => {
  expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  for (const length of [55, 56, 63, 64, 65, 1_000]) {
    const input = Uint8Array.from({ length }, (_, i) => i % 256);
    expect(sha256Hex(input)).toBe(createHash('sha256').update(input).digest('hex'));
  }
});

it('compares all bytes and the length', () => {
  expect(equalBytes(utf8('abc'), utf8('abc'))).toBe(true);
  expect(equalBytes(utf8('abc'), utf8('abd'))).toBe(false);
  expect(equalBytes(utf8('abc'), utf8('ab'))).toBe(false);
  expect(equalBytes(utf8('ab'), utf8('abc'))).toBe(false);
});
