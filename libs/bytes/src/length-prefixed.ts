/** One encoding for lists of byte strings, for whatever is hashed or derived from. */
import { utf8 } from './bytes.js';

const LENGTH_BYTES = 4;

/**
 * `enc(x1..xm)` of the protocol: for each part, its length as u32 big-endian, then its bytes. No two lists share one.
 *
 * @param parts - below 4 GiB each; a string stands for its UTF-8.
 * @throws TypeError for a string with a lone surrogate: it has no UTF-8, and its stand-in U+FFFD would be shared.
 */
export function lengthPrefixed(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const encoded = parts.map((part) => {
    if (typeof part === 'string' && !part.isWellFormed()) throw new TypeError('a part has a lone surrogate');
    return typeof part === 'string' ? utf8(part) : part;
  });
  const out = new Uint8Array(encoded.reduce((size, { length }) => size + LENGTH_BYTES + length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const bytes of encoded) {
    view.setUint32(at, bytes.length);
    out.set(bytes, at + LENGTH_BYTES);
    at += LENGTH_BYTES + bytes.length;
  }
  return out;
}
