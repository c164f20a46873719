/** The one error of this library, and the few things that every byte array needs. */

export class BytesError extends Error {
  override readonly name = 'BytesError';
  constructor(
    readonly code: 'NOT_HEX' | 'NOT_BASE64' | 'NOT_CANONICAL_JSON' | 'NOT_JSON',
    message: string,
  ) {
    super(message);
  }
}

const encoder = new TextEncoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Compares public bytes; its running time depends on them, so it is not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
