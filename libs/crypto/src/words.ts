/** Digests as words that people read to each other by phone: the English list of BIP-39, 11 bits a word. */
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { sha256Hex } from '@consilium/bytes';

const BITS_PER_WORD = 11;
/** 132 bits: nobody makes a second roster with the same words. */
export const ROSTER_WORDS = 12;
/**
 * 66 bits, for a file that is good for days. Who makes a false one can try as many as they like, so four words (44 bits) would
 * be an afternoon of one graphics card; six are some centuries of it.
 */
export const CODE_WORDS = 6;

/**
 * @param digest - 64 hex digits.
 * @param count - words, at most 23.
 * @returns The first `count` * 11 bits, most significant first, separated by spaces.
 */
export function digestWords(digest: string, count: number): string {
  const bits = BigInt(`0x${digest}`);
  return Array.from({ length: count }, (_, i) => {
    const index = Number((bits >> BigInt(256 - BITS_PER_WORD * (i + 1))) & 2_047n);
    return wordlist[index] ?? '';
  }).join(' ');
}

/** What two people compare of one public key: 132 bits of its SHA-256. */
export const keyWords = (publicKey: Uint8Array): string => digestWords(sha256Hex(publicKey), ROSTER_WORDS);

/** As a person types them: any case, any spacing, hyphens or commas between. */
export const sameWords = (typed: string, words: string): boolean =>
  typed
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean)
    .join(' ') === words;
