/** Bytes as text. Decoding is strict: one text for one byte string, so that equal bytes have equal digests. */
import { BytesError } from './bytes.js';

const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The value of each character that is a digit, by its code; -1 for the others. Codes above 255 have none either. */
function digitValues(alphabet: string): Int8Array {
  const values = new Int8Array(256).fill(-1);
  Array.from(alphabet).forEach((digit, value) => (values[digit.charCodeAt(0)] = value));
  return values;
}
const HEX_VALUE = digitValues('0123456789abcdef');
const BASE64_VALUE = digitValues('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += HEX_OF_BYTE[bytes[i] as number] as string;
  return text;
}

/** @throws {@link BytesError} `NOT_HEX` unless `text` is lower-case hex of an even length. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  let seen = text.length % 2 === 0 ? 0 : -1;
  for (let i = 0; i < bytes.length; i++) {
    const pair = ((HEX_VALUE[text.charCodeAt(2 * i)] ?? -1) << 4) | (HEX_VALUE[text.charCodeAt(2 * i + 1)] ?? -1);
    bytes[i] = pair;
    seen |= pair; // negative as soon as one digit is none
  }
  if (seen < 0) throw new BytesError('NOT_HEX', 'expected lower-case hex digits in pairs');
  return bytes;
}

export function toBase64(bytes: Uint8Array): string {
  // Spreading a typed array goes byte by byte through its iterator, which takes six times as long.
  const text = (part: Uint8Array) => Reflect.apply(String.fromCharCode, null, part) as string;
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) binary += text(bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

/** @throws {@link BytesError} `NOT_BASE64` unless `text` is padded standard base64 with zero spare bits (RFC 4648 3.5). */
export function fromBase64(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((digits * 6) >> 3);
  let [seen, pending, at] = [text.length % 4 === 0 ? 0 : -1, 0, 0];
  for (let i = 0; i < digits; i++) {
    const value = BASE64_VALUE[text.charCodeAt(i)] ?? -1;
    seen |= value; // negative as soon as one digit is none
    pending = (pending << 6) | (value & 0x3f);
    // A group of four digits is three bytes: with each but its first, one byte is whole.
    if (i % 4 !== 0) bytes[at++] = pending >> (6 - 2 * (i % 4));
  }
  if (seen < 0) throw new BytesError('NOT_BASE64', 'expected padded standard base64');
  if ((pending & ((1 << (2 * padding)) - 1)) !== 0) throw new BytesError('NOT_BASE64', 'base64 with spare bits set');
  return bytes;
}
