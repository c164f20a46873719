/** Bytes as text. Decoding is strict: one text for one byte string, so that equal bytes have equal digests. */
import { BytesError } from './bytes.js';

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** @throws {@link BytesError} `NOT_HEX` unless `text` is lower-case hex of an even length. */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new BytesError('NOT_HEX', 'expected lower-case hex digits in pairs');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

/** @throws {@link BytesError} `NOT_BASE64` unless `text` is padded standard base64 with zero spare bits (RFC 4648 3.5). */
export function fromBase64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw new BytesError('NOT_BASE64', 'expected padded standard base64');
  }
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  if (toBase64(bytes) !== text) throw new BytesError('NOT_BASE64', 'base64 with spare bits set');
  return bytes;
}
