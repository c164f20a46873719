/** One encoding for lists of byte strings, for whatever is hashed or derived from. */
import { concatBytes, utf8 } from './bytes.js';

/**
 * `enc(x1..xm)` of the protocol: for each part, its length as u32 big-endian, then its bytes. No two lists share one.
 *
 * @param parts - below 4 GiB each; a string stands for its UTF-8.
 * @throws TypeError for a string with a lone surrogate: it has no UTF-8, and its stand-in U+FFFD would be shared.
 */
export function lengthPrefixed(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return concatBytes(
    ...parts.flatMap((part) => {
      if (typeof part === 'string' && !part.isWellFormed()) throw new TypeError('a part has a lone surrogate');
      const bytes = typeof part === 'string' ? utf8(part) : part;
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length);
      return [length, bytes];
    }),
  );
}
