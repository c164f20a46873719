/**
 * Claims: (1) a digest's words are those of BIP-39 for the same bits; (2) what a person types is compared by its words, not by
 * case, spacing or hyphens; (3) a key has twelve, of its SHA-256.
 * Oracle: the English test vectors of BIP-39 (entropy 7f.., 80.., ff.., of which the last word holds a checksum and is left out).
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestWords, keyWords, sameWords } from './words.js';

describe('words', () => {
  it.each([
    ['7f', 'legal winner thank year wave sausage worth useful legal winner thank'],
    ['80', 'letter advice cage absurd amount doctor acoustic avoid letter advice cage'],
    ['ff', 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo'],
  ])('of %s.. are those of BIP-39', (byte, words) => {
    expect(digestWords(byte.repeat(32), 11)).toBe(words);
    expect(digestWords(byte.repeat(32), 6)).toBe(words.split(' ').slice(0, 6).join(' '));
  });

  it('of a key are twelve, of its digest', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    const words = keyWords(key);
    expect(words).toBe(digestWords(createHash('sha256').update(key).digest('hex'), 12));
    expect(words.split(' ')).toHaveLength(12);
  });

  it.each(['legal winner thank', '  Legal-WINNER,\n thank ', 'legal, winner, thank.'])('%j is the same', (typed) => {
    expect(sameWords(typed, 'legal winner thank')).toBe(true);
  });

  it.each([
    '',
    'legal winner',
    'legal thank winner',
    'legal winner thank year',
    'legalwinner thank',
    'LEGAL WINNER THANKS',
  ])('%j is not', (typed) => {
    expect(sameWords(typed, 'legal winner thank')).toBe(false);
  });
});
