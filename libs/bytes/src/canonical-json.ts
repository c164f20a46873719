/**
 * JSON with one spelling (RFC 8785, JCS), in a restricted profile: strings without lone surrogates, booleans, null,
 * arrays, objects with ASCII keys, and safe integers. Fractions travel as decimal strings, so that no two programs
 * print one number differently.
 */
import { BytesError, utf8 } from './bytes.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Statements nest about five deep; hostile ones must not reach the end of the call stack. */
const MAX_DEPTH = 64;

const refuse = (why: string): never => {
  throw new BytesError('NOT_CANONICAL_JSON', why);
};

function text(value: string): string {
  return value.isWellFormed() ? JSON.stringify(value) : refuse('a string has a lone surrogate');
}

/**
 * @throws {@link BytesError} `NOT_CANONICAL_JSON` for a value outside the profile, or nested more than 64 deep (so also
 * for one that holds itself); the message never quotes the value.
 */
export function canonicalJson(value: Json): string {
  return spell(value, 0);
}

function spell(value: Json, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return text(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) refuse('a number is not a safe integer');
    return String(value);
  }
  if (depth >= MAX_DEPTH) refuse('arrays and objects are nested too deeply');
  // Array.from, because map would skip the holes of a sparse array and write what is not JSON.
  if (Array.isArray(value)) return `[${Array.from(value, (item: Json) => spell(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) refuse('a value is not of JSON');
  const entries = Object.entries(value as Record<string, Json>);
  for (const [key] of entries) if (!/^[\x20-\x7e]*$/.test(key)) refuse('a key is not printable ASCII');
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${text(key)}:${spell(item, depth + 1)}`).join(',')}}`;
}

/**
 * Parses bytes that must already be canonical: duplicate or reordered keys, `1.0`, escapes and white space are refused.
 *
 * @throws {@link BytesError} `NOT_JSON` or `NOT_CANONICAL_JSON`.
 */
export function parseCanonicalJson(bytes: Uint8Array): Json {
  let source: string;
  let value: Json;
  try {
    source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(source) as Json;
  } catch {
    throw new BytesError('NOT_JSON', 'the bytes are not JSON in UTF-8');
  }
  if (canonicalJson(value) !== source) refuse('the bytes are not the canonical spelling of their JSON value');
  return value;
}

export const canonicalBytes = (value: Json): Uint8Array => utf8(canonicalJson(value));
