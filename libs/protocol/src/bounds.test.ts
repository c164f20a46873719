/**
 * Claims: (1) every schema that meets a peer's input is strict, and bounds the length of each text and list and the size
 * of each number, at every depth; (2) byte fields, which JSON Schema cannot show, are bounded too; (3) the limits hold
 * exactly: at the limit yes, above it no. Oracle: the JSON Schema that zod itself derives, walked here.
 */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { envelopeSchema } from './envelope.js';
import { isRefusalCode, ProtocolError, REFUSALS } from './errors.js';
import { answers, pushedSchema, requests } from './events.js';
import { limits } from './limits.js';
import { requestNames, sampleRequests } from './samples.js';
import { statements } from './statements.js';

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean;
  readonly items?: Node | false;
  readonly prefixItems?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maximum?: number;
}

/** Where something has no bound. Bytes appear as a node without a type: they have their own test. */
function unbounded(node: Node, path: string): string[] {
  const inner = [
    ...Object.entries(node.properties ?? {}).map(([key, child]) => [key, child] as const),
    ...[...(node.prefixItems ?? []), ...(node.anyOf ?? []), ...(node.oneOf ?? [])].map(
      (child) => ['*', child] as const,
    ),
    ...(node.items ? [['[]', node.items] as const] : []),
  ].flatMap(([key, child]) => unbounded(child, `${path}.${key}`));
  if (node.const !== undefined || node.enum !== undefined) return inner;
  // A pattern bounds a text if nothing in it repeats without end.
  const boundedPattern = node.pattern !== undefined && !/[*+]|\{[0-9]+,\}/.test(node.pattern);
  const open =
    (node.type === 'string' && node.maxLength === undefined && !boundedPattern) ||
    (node.type === 'array' && node.maxItems === undefined) ||
    (node.type === 'object' && node.additionalProperties !== false) ||
    (node.type === 'integer' && node.maximum === undefined) ||
    node.type === 'number';
  return open ? [path, ...inner] : inner;
}

const schemas: Record<string, z.ZodType> = {
  envelope: envelopeSchema,
  pushed: pushedSchema,
  ...Object.fromEntries(Object.entries(statements).map(([name, schema]) => [`statement ${name}`, schema])),
  ...Object.fromEntries(Object.entries(requests).map(([name, schema]) => [`request ${name}`, schema])),
  ...Object.fromEntries(Object.entries(answers).map(([name, schema]) => [`answer to ${name}`, schema])),
};

it.each(Object.entries(schemas))('%s leaves nothing without a bound', (name, schema) => {
  expect(unbounded(z.toJSONSchema(schema, { unrepresentable: 'any' }) as Node, name)).toEqual([]);
});

it('finds what has no bound, so the test above means something', () => {
  const open = z.looseObject({ text: z.string(), list: z.array(z.string().max(1)), star: z.string().regex(/^a*$/) });
  const found = unbounded(z.toJSONSchema(open) as Node, 'x');
  expect(found).toEqual(['x', 'x.text', 'x.list', 'x.star']);
});

describe('bytes', () => {
  const chunk = (bytes: unknown): boolean =>
    requests['update.chunk'].safeParse({ ...sampleRequests['update.chunk'], bytes }).success;
  const read = (bytes: unknown): boolean => answers['blob.read'].safeParse({ ok: true, bytes, sizeBytes: 9 }).success;

  it('are taken from 1 to the size of a chunk', () => {
    expect([0, 1, limits.chunkBytes, limits.chunkBytes + 1].map((n) => chunk(new Uint8Array(n)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(chunk(Buffer.alloc(3))).toBe(true);
    expect(read(new Uint8Array(limits.chunkBytes + 1))).toBe(false);
    expect(read(new Uint8Array(limits.chunkBytes))).toBe(true);
  });

  it.each([null, undefined, 'AAAA', [1, 2], { length: 4 }, new ArrayBuffer(4), { type: 'Buffer', data: [1] }])(
    'are nothing else: %j',
    (value) => {
      expect(chunk(value)).toBe(false);
      expect(read(value)).toBe(false);
    },
  );
});

it('bytes where an object is expected are refused without a list of their indices', () => {
  const bytes = new Uint8Array(limits.messageBytes);
  const places: [z.ZodType, unknown][] = [
    [requests.hello, bytes],
    [requests.hello, { ...sampleRequests.hello, versions: bytes }],
    [requests.prove, { answer: bytes }],
    [envelopeSchema, { ...sampleRequests.prove.answer, signatures: [bytes] }],
    [answers.sync, bytes],
    [answers.sync, { ok: true, statements: [bytes] }],
    [pushedSchema, { name: 'plan', envelope: bytes }],
  ];
  for (const [schema, value] of places) {
    const { error } = schema.safeParse(value);
    // All refusal codes stand in some; a list of indices would be megabytes.
    expect(JSON.stringify(error?.issues).length).toBeLessThan(4_000);
  }
});

describe('requests and answers', () => {
  it.each(requestNames)('%s takes its sample, and nothing more', (name) => {
    const sample = sampleRequests[name];
    expect(requests[name].safeParse(sample).success).toBe(true);
    expect(requests[name].safeParse({ ...sample, extra: 1 }).success).toBe(false);
    const polluted: unknown = JSON.parse('{"__proto__":{"extra":1}}');
    expect(requests[name].safeParse({ ...sample, ...(polluted as object) }).success).toBe(false);
  });

  it('hold offsets and lengths to the limits', () => {
    const reading = (change: object): boolean =>
      requests['blob.read'].safeParse({ ...sampleRequests['blob.read'], ...change }).success;
    expect([{ length: limits.chunkBytes }, { offset: 0 }].map(reading)).toEqual([true, true]);
    const refused = [
      { length: limits.chunkBytes + 1 },
      { length: 0 },
      { offset: -1 },
      { offset: 0.5 },
      { offset: 2 ** 53 },
    ];
    expect(refused.map(reading)).toEqual(refused.map(() => false));
  });

  it('let a refusal through with a known code only', () => {
    const refusal = { ok: false, code: 'ROUND_CLOSED', message: 'm' };
    expect(answers.sync.safeParse(refusal).success).toBe(true);
    for (const change of [{ code: 'toString' }, { code: 'NO_SUCH' }, { ok: true }, { message: 'm'.repeat(1_001) }]) {
      expect(answers.sync.safeParse({ ...refusal, ...change }).success).toBe(false);
    }
  });

  it('hold a synchronisation to 256 statements', () => {
    const pushed = { name: 'plan', envelope: sampleRequests.consent.statement };
    const sync = (count: number): boolean =>
      answers.sync.safeParse({ ok: true, statements: new Array(count).fill(pushed) }).success;
    expect([0, 256, 257].map(sync)).toEqual([true, true, false]);
    expect(pushedSchema.safeParse({ ...pushed, name: 'update' }).success).toBe(false);
  });
});

describe('refusals', () => {
  it('are known by their own names, not by what every object inherits', () => {
    expect(Object.keys(REFUSALS).every(isRefusalCode)).toBe(true);
    for (const code of ['toString', 'constructor', '__proto__', '', 'round_closed', 1, null]) {
      expect(isRefusalCode(code)).toBe(false);
    }
  });

  it('have a sentence that fits into an ack, and a detail after it', () => {
    for (const sentence of Object.values(REFUSALS)) expect(sentence.length).toBeLessThan(200);
    expect(new ProtocolError('UPDATE_SIZE', 'bytes are missing').message).toBe(
      `${REFUSALS.UPDATE_SIZE} (bytes are missing)`,
    );
  });
});
