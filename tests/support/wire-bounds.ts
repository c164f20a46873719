/**
 * The most that each request may take on the wire, from the schemas: every field at its maximum, in the longest spelling.
 * Nothing here comes from watching a run.
 */
import { canonicalBytes, toBase64, type Json } from '@consilium/bytes';
import { limits, requests, signStatement, type RequestName, type StatementName } from '@consilium/protocol';

const ID = 'x'.repeat(63);
const HEX = 'f'.repeat(64);
const DECIMAL = `-${'9'.repeat(15)}.${'9'.repeat(12)}`;
const EXAMPLES = 100_000_000;
/** RFC 6455: two bytes, eight of length, four of mask. */
export const FRAME_HEADER_MAX = 14;
/** `42` or `451-`, and an ack id of at most ten digits. */
const PACKET_PREFIX_MAX = 14;

const reply = { v: 1, runId: ID, round: limits.rounds, attempt: 1_000, from: ID, planDigest: HEX };
const scores = {
  examples: EXAMPLES,
  part: 'validation',
  loss: DECIMAL,
  accuracy: DECIMAL,
  balancedAccuracy: DECIMAL,
  auc: DECIMAL,
};

/** One share of one secret of each hospital. */
const SHARES = Array.from({ length: limits.hospitals }, () => ({ x: limits.hospitals, share: HEX }));
const PARCELS = Array.from({ length: limits.hospitals }, () => ({
  ...{ x: limits.hospitals, sealed: 'A'.repeat(200), selfSeedDigest: HEX, maskKeyDigest: HEX },
}));

const bodies: Partial<Record<StatementName, Json>> = {
  consent: { v: 1, runId: ID, from: ID, configDigest: HEX },
  refusal: { v: 1, runId: ID, from: ID, configDigest: HEX, rule: 'TRUST_MODE_NOT_ALLOWED' },
  update: { ...reply, blobDigest: HEX, blobBytes: limits.blobBytes, examples: EXAMPLES, loss: DECIMAL },
  evaluation: { ...reply, model: HEX, scores },
  advert: { ...reply, maskKey: HEX, encryptionKey: HEX, seedCommit: HEX, nonce: 'a'.repeat(32) },
  shares: { ...reply, sessionId: HEX, shareRoot: HEX },
  complaint: { ...reply, sessionId: HEX, accused: ID },
  masked: {
    ...{ ...reply, sessionId: HEX, u2Digest: HEX, yRoot: HEX, blobDigest: HEX },
    ...{ words: limits.blobBytes / 4, blobBytes: limits.blobBytes },
  },
  agree: { ...reply, sessionId: HEX, survivorsDigest: HEX },
  unmask: { ...reply, sessionId: HEX, selfSeeds: SHARES, maskKeys: [] },
  'challenge-answer': {
    v: 1,
    protocol: 1_000,
    hospitalId: ID,
    clientNonce: HEX,
    serverNonce: HEX,
    coordinatorKey: HEX,
  },
};

const AT = '2026-03-01T08:00:00.000Z';
/** Outside the plane of 16 bits: two units in JavaScript, four bytes. */
const PERSON = '\u{1f3e5}'.repeat(50);
const keys = { identityKey: HEX, witnessKey: HEX, coordinatorKey: HEX };
const nonces = { clientNonce: HEX, serverNonce: HEX };
Object.assign(bodies, {
  join: {
    v: 1,
    hospitalId: ID,
    role: 'hospital',
    tokenHash: HEX,
    ...keys,
    address: `https://x.example/${'x'.repeat(282)}`,
    ...nonces,
  },
  'witness-proof': { v: 1, hospitalId: ID, identityKey: HEX, witnessKey: HEX, serverNonce: HEX },
  verification: { v: 1, from: ID, rosterDigest: HEX, comparedBy: PERSON, how: 'in-person', at: AT },
  rotation: { v: 1, hospitalId: ID, coordinatorKey: HEX, oldKey: HEX, newKey: HEX, at: AT },
  revocation: { v: 1, hospitalId: ID, identityKey: HEX, coordinatorKey: HEX, at: AT },
});

/** An envelope around the longest body; signing parses it, so a body that is no statement would throw. */
function largestEnvelope(name: StatementName): Json {
  const body = bodies[name];
  if (body === undefined) throw new Error(`no bound for ${name}`);
  const signed = signStatement(name, body as never, 'x'.repeat(64), () => new Uint8Array(64));
  if (signed.envelope.payload !== toBase64(canonicalBytes(body))) throw new Error(`${name} was not signed as it is`);
  return signed.envelope;
}

const placeholder = { _placeholder: true, num: 0 };
const largest: Record<RequestName, () => Json> = {
  hello: () => ({ versions: { min: 1_000, max: 1_000 }, hospitalId: ID, nonce: HEX }),
  prove: () => ({ answer: largestEnvelope('challenge-answer') }),
  join: () => ({ token: HEX, statement: largestEnvelope('join'), witness: largestEnvelope('witness-proof') }),
  membership: () => ({}),
  verify: () => ({ statement: largestEnvelope('verification') }),
  rotate: () => ({ old: largestEnvelope('rotation'), new: largestEnvelope('rotation') }),
  revoke: () => ({ statement: largestEnvelope('revocation') }),
  sync: () => ({}),
  about: () => ({ version: '9'.repeat(40), engine: 'z'.repeat(40), clockMs: 8_640_000_000_000_000 }),
  consent: () => ({ statement: largestEnvelope('consent') }),
  refuse: () => ({ statement: largestEnvelope('refusal') }),
  'blob.read': () => ({ runId: 'r'.repeat(63), digest: HEX, offset: limits.blobBytes, length: limits.chunkBytes }),
  // A masked statement is longer than that of a sealed update.
  'update.offer': () => ({ statement: largestEnvelope('masked') }),
  'update.chunk': () => ({ runId: 'r'.repeat(63), digest: HEX, offset: limits.blobBytes, bytes: placeholder }),
  'update.commit': () => ({ runId: 'r'.repeat(63), digest: HEX }),
  decline: () => ({ statement: largestEnvelope('decline') }),
  evaluation: () => ({ statement: largestEnvelope('evaluation') }),
  advert: () => ({ statement: largestEnvelope('advert') }),
  shares: () => ({ statement: largestEnvelope('shares'), parcels: PARCELS }),
  complaint: () => ({ statement: largestEnvelope('complaint') }),
  agree: () => ({ statement: largestEnvelope('agree') }),
  unmask: () => ({ statement: largestEnvelope('unmask') }),
  'deliveries.read': () => ({ runId: 'r'.repeat(63), planDigest: HEX }),
  'round.read': () => ({ runId: 'r'.repeat(63), round: limits.rounds }),
};

/** Bytes on the wire of one request, frame headers included, the bytes of a chunk left out. */
export function requestBytesMax(name: RequestName): number {
  const body = largest[name]();
  if (name !== 'update.chunk' && !requests[name].safeParse(body).success)
    throw new Error(`${name} is not as the schema says`);
  const frames = name === 'update.chunk' ? 2 : 1;
  return PACKET_PREFIX_MAX + JSON.stringify([name, body]).length + frames * FRAME_HEADER_MAX;
}

/** One pong, or one closing packet. */
export const SMALL_PACKET_MAX = 2 + FRAME_HEADER_MAX;
