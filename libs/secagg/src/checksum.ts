/**
 * Four public linear words at the end of each raw vector (SPEC section 2). They hold for the sum as for its parts, so a
 * wrong mask, a flipped bit or a wrong survivor set shows; whoever alters a sum on purpose computes them anew.
 */
import { keystreamWords } from '@consilium/crypto';
import { SecAggError } from './errors.js';
import { checksumKey } from './keys.js';
import { CHECKSUM_WORDS } from './params.js';

/** Pieces of a stream that stay in the cache, words. */
const PIECE = 16_384;

function checksum(sessionId: string, words: Uint32Array, index: number): number {
  const key = checksumKey(sessionId, index);
  const covered = words.length - CHECKSUM_WORDS;
  let total = 0;
  for (let start = 0; start < covered; start += PIECE) {
    const weights = keystreamWords(key, Math.min(PIECE, covered - start), start);
    for (let k = 0; k < weights.length; k++) {
      total = (total + Math.imul(weights[k] as number, words[start + k] as number)) | 0;
    }
  }
  return total >>> 0;
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
