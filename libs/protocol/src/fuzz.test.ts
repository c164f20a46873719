/**
 * Claims: (1) 3,000 mutations of each request and 500 of each answer and each statement end in a value or a refusal, never
 * in another exception; (2) what is still taken after a mutation is within the schema's own form: it is
 * taken once more; (3) the largest hostile inputs that fit a message come to an end.
 * Oracle: none is needed for (1) and (3); for (2) the schema itself. A failure prints the seed of its mutation.
 */
import { describe, expect, it } from 'vitest';
import { canonicalJson, toBase64, utf8, type Json } from '@consilium/bytes';
import { ProtocolError } from './errors.js';
import { answers, pushedSchema, requests, type RequestName } from './events.js';
import { limits } from './limits.js';
import { requestNames, sampleRequests, sampleStatements, statementNames } from './samples.js';
import { parseUnverified } from './sign.js';
import { payloadType, statements, type StatementName } from './statements.js';

/** A small generator of its own, because tensors is no dependency of protocol: mulberry32, which is enough to pick with. */
function picker(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}

const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};

const HOSTILE: readonly unknown[] = [
  ...[undefined, null, true, false, 0, -0, -1, 1, 0.5, Number.NaN, Infinity, 2 ** 53, 1e308, 1n, Symbol('s')],
  ...[
    '',
    ' ',
    'A',
    '0'.repeat(64),
    'a'.repeat(64),
    'é',
    '\0',
    '\ud800',
    '../../etc/passwd',
    '__proto__',
    'x'.repeat(9_999),
  ],
  ...[
    [],
    {},
    [[]],
    new Array<string>(5),
    Object.create(null) as unknown,
    new Date(0),
    new Map(),
    () => 1,
    /a/,
    new Uint8Array(3),
  ],
  ...[new Uint8Array(limits.chunkBytes + 1), new ArrayBuffer(2), new Array<string>(300).fill('north'), deep(500)],
  ...[
    JSON.parse('{"__proto__":{"ok":true},"constructor":{"prototype":1}}') as unknown,
    { toString: 1, valueOf: null, length: -1 },
  ],
  ...[new Proxy({}, {}), { then: () => 1 }, { toJSON: () => 1 }],
];

/** The same value with one node replaced, removed, doubled or added. */
function mutated(value: unknown, pick: (bound: number) => number): unknown {
  const isBranch = typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
  if (!isBranch || pick(6) === 0) return HOSTILE[pick(HOSTILE.length)];
  if (Array.isArray(value)) {
    const items = [...(value as unknown[])];
    const at = pick(items.length + 1);
    const how = pick(3);
    if (how === 0) items.splice(at, 0, items[0]);
    else if (how === 1) items.splice(at, 1);
    else items[at] = mutated(items[at], pick);
    return items;
  }
  const entries = Object.entries(value as Record<string, unknown>);
  const at = pick(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined) {
    const key = ['extra', '__proto__', 'toString', '', 'ok', 'length'][pick(6)] ?? '';
    return Object.fromEntries([...entries, [key, HOSTILE[pick(HOSTILE.length)]]]);
  }
  if (pick(5) === 0) return Object.fromEntries(entries.filter((other) => other !== entry));
  return Object.fromEntries(entries.map(([key, item]) => [key, key === entry[0] ? mutated(item, pick) : item]));
}

function eachMutation(count: number, sample: unknown, use: (value: unknown) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    const pick = picker(seed);
    let value = mutated(sample, pick);
    if (pick(3) === 0) value = mutated(value, pick);
    try {
      use(value);
    } catch (error) {
      throw new Error(`mutation ${seed} ended in an exception`, { cause: error });
    }
  }
}

it.each(requestNames)('request %s is parsed or refused', (name) => {
  let taken = 0;
  eachMutation(3_000, sampleRequests[name], (value) => {
    const parsed = requests[name].safeParse(value);
    if (!parsed.success) return;
    taken += 1;
    expect(requests[name].safeParse(parsed.data).success).toBe(true);
  });
  expect(taken).toBeLessThan(3_000);
});

const envelopeOf = (name: StatementName, payload: string): object => ({
  ...sampleRequests.consent.statement,
  payloadType: payloadType(name),
  payload,
});
const pushed = { name: 'plan', envelope: envelopeOf('plan', 'e30=') };

it('what a coordinator says is parsed or refused', () => {
  const accepted: { readonly [N in RequestName]: object } = {
    hello: { challenge: envelopeOf('challenge', 'e30=') },
    prove: { protocol: 1 },
    join: { status: envelopeOf('membership-status', 'e30=') },
    membership: { status: envelopeOf('membership-status', 'e30=') },
    verify: { status: envelopeOf('membership-status', 'e30=') },
    rotate: { status: envelopeOf('membership-status', 'e30=') },
    revoke: {},
    sync: { statements: [pushed, pushed] },
    about: {},
    consent: {},
    refuse: {},
    'blob.read': { bytes: new Uint8Array(3), sizeBytes: 3 },
    'update.offer': { receivedBytes: 0 },
    'update.chunk': { receivedBytes: 9 },
    'update.commit': {},
    decline: {},
    evaluation: {},
    ...{ advert: {}, shares: {}, complaint: {}, agree: {}, unmask: {} },
    'deliveries.read': {
      deliveries: [
        {
          x: 1,
          head: envelopeOf('shares', 'e30='),
          parcel: { x: 2, sealed: 'AAAA', selfSeedDigest: '1'.repeat(64), maskKeyDigest: '2'.repeat(64) },
          proof: ['3'.repeat(64)],
        },
      ],
    },
    'round.read': { plan: envelopeOf('secagg-plan', 'e30='), aggregate: envelopeOf('secagg-aggregate', 'e30=') },
  };
  for (const name of requestNames) {
    const sample = { ok: true, ...accepted[name] };
    expect(answers[name].safeParse(sample).success).toBe(true);
    eachMutation(500, sample, (value) => answers[name].safeParse(value));
    eachMutation(500, { ok: false, code: 'INTERNAL', message: '' }, (value) => answers[name].safeParse(value));
  }
  eachMutation(1_000, pushed, (value) => pushedSchema.safeParse(value));
});

describe.each(statementNames)('statement %s', (name) => {
  const open = (input: unknown): void => {
    try {
      parseUnverified(name, input);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  };

  it('is parsed or refused, whatever is in the body', () => {
    eachMutation(500, sampleStatements[name], (value) => {
      statements[name].safeParse(value);
      let spelled: string;
      try {
        spelled = canonicalJson(value as Json);
      } catch {
        return; // outside JSON: it cannot be in a payload
      }
      open(envelopeOf(name, toBase64(utf8(spelled))));
    });
  });

  it('is parsed or refused, whatever is around the body', () => {
    eachMutation(500, envelopeOf(name, toBase64(utf8(canonicalJson(sampleStatements[name])))), open);
  });

  it('is parsed or refused, whichever byte is changed', () => {
    const bytes = utf8(canonicalJson(sampleStatements[name]));
    const pick = picker(8785);
    for (let k = 0; k < 500; k++) {
      const changed = Uint8Array.from(bytes);
      changed[pick(bytes.length)] = pick(256);
      open(envelopeOf(name, toBase64(changed.subarray(0, pick(4) === 0 ? pick(bytes.length) : bytes.length))));
    }
  });

  it('comes to an end on the largest payloads', () => {
    const room = Math.floor((limits.statementBytes * 3) / 4) - 20;
    for (const part of ['[', '{"a":', '"a",', '1,', '{},', '{"hospitalId":"a"},', '"\\u0000', ' ', '9']) {
      open(envelopeOf(name, toBase64(utf8(`{"updates":[${part.repeat(Math.floor((room - 12) / part.length))}]}`))));
    }
  });
});
