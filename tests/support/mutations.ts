/** Messages as a hostile or broken peer would send them, from a seed. */
import { canonicalBytes, utf8, type Json } from '@consilium/bytes';
import type { Identity } from '@consilium/crypto';
import type { Envelope } from '@consilium/protocol';
import type { SeededRandom } from '@consilium/tensors';
import { forge } from './raw-hospital.js';

const nested = (depth: number): unknown => {
  let value: unknown = 0;
  for (let k = 0; k < depth; k++) value = k % 2 === 0 ? [value] : { a: value };
  return value;
};

/** Values that programs trip over. Each can travel through socket.io. */
export const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e308,
  2 ** 53,
  '',
  'NaN',
  '\u0000',
  '\ud800',
  '../../coordinator.key',
  'x'.repeat(100_000),
  [],
  {},
  [[], {}],
  nested(500),
  Array.from({ length: 10_000 }, () => 0),
  Object.fromEntries(Array.from({ length: 5_000 }, (_, k) => [`k${k}`, k])),
  JSON.parse('{"__proto__":{"ok":true,"digest":"x"}}'),
  { constructor: { prototype: { polluted: true } } },
  { toString: 'x', valueOf: 1, hasOwnProperty: null, length: 1e9 },
  { then: 'not a function' },
  { type: 'Buffer', data: [1, 2, 3] },
  { length: -1, byteLength: 3 },
  Buffer.alloc(0),
  Buffer.alloc(10_000, 0xff),
  { statement: Buffer.from('bytes where an envelope is expected') },
  { digest: Buffer.alloc(32), offset: Buffer.alloc(1), bytes: 'text where bytes are expected' },
];

/** The sample with one to three of its parts replaced, removed or added to, at any depth. */
export function mutated(sample: Json, random: SeededRandom): unknown {
  let result: unknown = structuredClone(sample);
  for (let edits = 1 + random.integer(3); edits > 0; edits--) result = edited(result, random);
  return result;
}

function edited(value: unknown, random: SeededRandom): unknown {
  if (typeof value === 'string' && random.integer(3) > 0) return editedText(value, random);
  if (typeof value === 'number' && random.integer(3) > 0) return value + random.integer(5) - 2;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || random.integer(6) === 0) {
    return HOSTILE_VALUES[random.integer(HOSTILE_VALUES.length)];
  }
  const keys = Object.keys(value);
  const copy: Record<string, unknown> = { ...value };
  const key = keys[random.integer(Math.max(1, keys.length))];
  const kind = random.integer(5);
  if (key === undefined || kind === 0) copy[`extra${random.integer(10)}`] = HOSTILE_VALUES[random.integer(12)];
  else if (kind === 1) Reflect.deleteProperty(copy, key);
  else copy[key] = edited(copy[key], random);
  return Array.isArray(value) ? Object.values(copy) : copy;
}

function editedText(text: string, random: SeededRandom): string {
  const at = random.integer(text.length + 1);
  const character = String.fromCharCode(random.integer(random.integer(2) === 0 ? 128 : 65_536));
  const kind = random.integer(4);
  if (kind === 0) return text.slice(0, at);
  if (kind === 1) return text.slice(0, at) + character + text.slice(at);
  if (kind === 2) return text + text;
  return text.slice(0, at) + character + text.slice(at + 1);
}

/** One leaf of the sample differs and keeps its form: another digit in a digest, one more, one element less. */
export function plausible(sample: unknown, random: SeededRandom): unknown {
  if (typeof sample === 'number') return Math.max(0, Math.trunc(sample) + (random.integer(2) === 0 ? 1 : -1));
  if (typeof sample === 'string') return anotherDigit(sample, random);
  if (sample instanceof Uint8Array) return sample.map((byte, k) => (k === 0 ? byte ^ 1 : byte));
  if (Array.isArray(sample)) {
    const items: unknown[] = [...(sample as unknown[])];
    const at = random.integer(Math.max(1, items.length));
    const kind = random.integer(4);
    if (kind === 0) items.splice(at, 1);
    else if (kind === 1) items.push(...items.slice(at, at + 1));
    else if (items.length > 0) items[at] = plausible(items[at], random);
    return items;
  }
  if (typeof sample !== 'object' || sample === null) return sample;
  const keys = Object.keys(sample);
  const key = keys[random.integer(Math.max(1, keys.length))] ?? '';
  return { ...sample, [key]: plausible((sample as Record<string, unknown>)[key], random) };
}

/** Of letters nothing but digits is known to be exchangeable: in hex, base64, decimals and times alike. */
function anotherDigit(text: string, random: SeededRandom): string {
  const digits = [...text.matchAll(/[0-9]/g)].map(({ index }) => index);
  const at = digits[random.integer(Math.max(1, digits.length))];
  return at === undefined ? text : `${text.slice(0, at)}${random.integer(10)}${text.slice(at + 1)}`;
}

const isEnvelope = (value: unknown): value is Envelope =>
  typeof value === 'object' && value !== null && 'payloadType' in value && 'signatures' in value;

const NAME = /^application\/vnd\.consilium\.(.+)\.v1\+json$/;

/** Mutated as {@link mutated} or {@link plausible} do; whatever became of it is signed by that key. */
export function mutatedBeforeSigning(envelope: Envelope, random: SeededRandom, signer: Identity): Envelope {
  const body = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as Json;
  const changed = random.integer(2) === 0 ? plausible(body, random) : mutated(body, random);
  const [, name = ''] = NAME.exec(envelope.payloadType) ?? [];
  return forge(name, payloadOf(changed), envelope.signatures[0].keyid, signer);
}

/** Also of what has no canonical form. */
function payloadOf(value: unknown): Uint8Array {
  try {
    return canonicalBytes(value as Json);
  } catch {
    return utf8(JSON.stringify(value));
  }
}

/** The request with one of its statements mutated and signed anew, or with another part that is plausible. */
export function mutatedWithin(request: object, random: SeededRandom, signer: Identity): unknown {
  const entries = Object.entries(request);
  const signed = entries.filter(([, value]) => isEnvelope(value));
  const [key, envelope] = signed[random.integer(Math.max(1, signed.length))] ?? [];
  if (key === undefined || (signed.length < entries.length && random.integer(3) === 0))
    return plausible(request, random);
  return { ...request, [key]: mutatedBeforeSigning(envelope as Envelope, random, signer) };
}
