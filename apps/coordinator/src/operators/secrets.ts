/** Random secrets, and what is kept of them: a digest, so that whoever reads the files of the coordinator can use none. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** @returns 32 random bytes, base64url: 43 characters. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/**
 * SHA-256 is enough for 256 random bits: there is nothing to guess.
 *
 * @param use - keeps a digest for one use from being one for another.
 * @returns 64 hex digits.
 */
export const digestOf = (use: 'session' | 'csrf' | 'token' | 'link' | 'device', secret: string): string =>
  createHash('sha256').update(`consilium ${use}\n${secret}`).digest('hex');

/** Takes the same time wherever two texts differ. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
