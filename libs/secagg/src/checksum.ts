/**
 * Four public linear words at the end of each raw vector (SPEC section 2). They hold for the sum as for its parts, so a
 * wrong mask, a flipped bit or a wrong survivor set shows; whoever alters a sum on purpose computes them anew.
 */
import { keystreamDots } from '@consilium/crypto';
import { SecAggError } from './errors.js';
import { checksumKey } from './keys.js';
import { CHECKSUM_WORDS } from './params.js';

function checksums(sessionId: string, words: Uint32Array): number[] {
  const keys = Array.from({ length: CHECKSUM_WORDS }, (_, index) => checksumKey(sessionId, index));
  return keystreamDots(keys, words.subarray(0, words.length - CHECKSUM_WORDS));
}

/** @param words - shape (D,); its last four are written. */
export function writeChecksums(sessionId: string, words: Uint32Array): void {
  words.set(checksums(sessionId, words), words.length - CHECKSUM_WORDS);
}

/**
 * A fault that is odd in some coordinate passes with probability 2^-128. One that is only multiples of 2^31 passes one time
 * in 16; the range check of the sum sees most of those.
 *
 * @throws {@link SecAggError} `SUM_CORRUPT`.
 */
export function requireChecksums(sessionId: string, words: Uint32Array): void {
  const written = words.subarray(words.length - CHECKSUM_WORDS);
  if (checksums(sessionId, words).some((word, i) => word !== written[i])) {
    throw new SecAggError('SUM_CORRUPT', 'the sum does not match its checksum words');
  }
}
