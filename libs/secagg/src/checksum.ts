/**
 * Four public linear words at the end of each raw vector (SPEC section 2). They hold for the sum as for its parts, so a
 * wrong mask, a flipped bit or a wrong survivor set shows; whoever alters a sum on purpose computes them anew.
 */
import { keystreamDot } from '@consilium/crypto';
import { SecAggError } from './errors.js';
import { checksumKey } from './keys.js';
import { CHECKSUM_WORDS } from './params.js';

function checksum(sessionId: string, words: Uint32Array, index: number): number {
  return keystreamDot(checksumKey(sessionId, index), words.subarray(0, words.length - CHECKSUM_WORDS));
}

/** @param words - shape (D,); its last four are written. */
export function writeChecksums(sessionId: string, words: Uint32Array): void {
  for (let i = 0; i < CHECKSUM_WORDS; i++) words[words.length - CHECKSUM_WORDS + i] = checksum(sessionId, words, i);
}

/**
 * A fault that is odd in some coordinate passes with probability 2^-128. One that is only multiples of 2^31 passes one time
 * in 16; the range check of the sum sees most of those.
 *
 * @throws {@link SecAggError} `SUM_CORRUPT`.
 */
export function requireChecksums(sessionId: string, words: Uint32Array): void {
  for (let i = 0; i < CHECKSUM_WORDS; i++) {
    if (words[words.length - CHECKSUM_WORDS + i] !== checksum(sessionId, words, i)) {
      throw new SecAggError('SUM_CORRUPT', 'the sum does not match its checksum words');
    }
  }
}
