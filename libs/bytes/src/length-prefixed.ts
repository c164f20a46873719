/** `enc(x1..xm)` of the protocol: for each part, its length as u32 big-endian, then its bytes. No two lists share one. */
import { concatBytes, utf8 } from './bytes.js';

export function lengthPrefixed(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return concatBytes(
    ...parts.flatMap((part) => {
      const bytes = typeof part === 'string' ? utf8(part) : part;
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length);
      return [length, bytes];
    }),
  );
}
