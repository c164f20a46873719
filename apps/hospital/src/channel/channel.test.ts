/**
 * Claims: (1) a request that waits while a line comes up and is lost again before it is ready goes out on the next one; (2) a
 * coordinator that does not answer the handshake is left, and tried again; (3) an update is offered again when the coordinator
 * does not know it any more, and ends with what that offer says; (4) a final refusal ends the channel;
 * (5) what is pushed before the synchronisation was answered is heard after it.
 * Oracle: a wire that the test answers; what passed it, in order.
 */
import { beforeEach, expect, it } from 'vitest';
import { toHex } from '@consilium/bytes';
import { generateIdentity, signBytes } from '@consilium/crypto';
import {
  PROTOCOL_VERSION,
  signStatement,
  type Aggregate,
  type Digest,
  type HospitalId,
  type RefusalCode,
  type RequestName,
  type RunId,
} from '@consilium/protocol';
import { CoordinatorChannel } from './channel.js';
import { LineLost, type WireEvents } from './wire.js';

const NORTH = 'north' as HospitalId;
const RUN = 'run-1' as RunId;
const coordinator = generateIdentity();
const north = generateIdentity();
/** What leaves is checked at the door: these are statements as a hospital signs them. */
const configDigest = 'c0'.repeat(32) as Digest;
const consent = signStatement('consent', { v: 1, runId: RUN, from: NORTH, configDigest }, NORTH, (bytes) =>
  signBytes(north, bytes),
).envelope;
const blobDigest = 'ab'.repeat(32) as Digest;
const statement = signStatement(
  'update',
  {
    ...{ v: 1, runId: RUN, round: 1, attempt: 1, from: NORTH, planDigest: 'aa'.repeat(32) as Digest, blobDigest },
    ...{ blobBytes: 3, examples: 5, loss: '0.5' },
  },
  NORTH,
  (bytes) => signBytes(north, bytes),
).envelope;

let events: WireEvents;
let asked: RequestName[];
let connects: number;
let refusals: string[];
let heard: string[];
let answer: (name: RequestName, request: object) => Promise<unknown>;
let channel: CoordinatorChannel;

const refused = (code: RefusalCode): Promise<object> => Promise.resolve({ ok: false, code, message: code });

/** What an honest coordinator says. */
function honest(name: RequestName, request: object): Promise<unknown> {
  if (name === 'hello') {
    const { nonce } = request as { nonce: string };
    const body = { v: 1, protocol: PROTOCOL_VERSION, hospitalId: NORTH, clientNonce: nonce } as const;
    const challenge = { ...body, serverNonce: toHex(new Uint8Array(32).fill(7)) };
    const signed = signStatement('challenge', challenge, 'coordinator', (bytes) => signBytes(coordinator, bytes));
    return Promise.resolve({ ok: true, challenge: signed.envelope });
  }
  const answers: Partial<Record<RequestName, object>> = {
    prove: { protocol: PROTOCOL_VERSION },
    sync: { statements: [] },
    'update.offer': { receivedBytes: 0 },
    'update.chunk': { receivedBytes: 3 },
  };
  return Promise.resolve({ ok: true, ...answers[name] });
}

/** All promises that can go on have gone on. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

beforeEach(() => {
  [asked, connects, refusals, heard, answer] = [[], 0, [], [], honest];
  channel = new CoordinatorChannel({
    ...{ url: '', hospitalId: NORTH, identity: north, coordinatorKey: coordinator.publicKey },
    onStatement: ({ name, body }) => heard.push(`${name} ${'round' in body ? body.round : ''}`.trim()),
    onLine: () => undefined,
    onRefused: ({ code }) => refusals.push(code),
    network: {
      sleep: () => settled(),
      wire: (_url, given) => {
        events = given;
        return {
          sentBytes: 0,
          connect: () => {
            connects += 1;
          },
          disconnect: () => {
            events.disconnected(false);
          },
          ask: (name, request) => {
            asked.push(name);
            return answer(name, request);
          },
        };
      },
    },
  });
  channel.open();
});

it('carries a request over a line that was lost before it was ready', async () => {
  const waiting = channel.request('consent', { statement: consent });
  answer = () => Promise.reject(new LineLost());
  events.connected();
  events.disconnected(false);
  await settled();
  answer = honest;
  events.connected();
  expect(await waiting).toMatchObject({ ok: true });
});

it('leaves a coordinator that says nothing, and tries again', async () => {
  // The answer does not come in time; the line itself stays up.
  answer = () => Promise.reject(new LineLost());
  events.connected();
  await settled();
  await settled();
  expect(connects).toBe(2);
  answer = honest;
  events.connected();
  expect(await channel.request('consent', { statement: consent })).toMatchObject({ ok: true });
});

it('offers an update again that the coordinator does not know any more', async () => {
  events.connected();
  await settled();
  asked = [];
  let offers = 0;
  answer = (name, request) => {
    if (name === 'update.offer' && ++offers === 2) return refused('ROUND_CLOSED');
    return name === 'update.chunk' ? refused('UPDATE_NOT_OFFERED') : honest(name, request);
  };
  const outgoing = { statement, blobDigest, sealed: Uint8Array.of(1, 2, 3) };
  await expect(channel.sendUpdate(RUN, outgoing)).rejects.toMatchObject({ code: 'ROUND_CLOSED' });
  expect(asked).toEqual(['update.offer', 'update.chunk', 'update.offer']);
});

it('ends with a coordinator that will not have us', async () => {
  answer = () => refused('HOSPITAL_UNKNOWN');
  events.connected();
  await settled();
  await settled();
  expect([refusals, connects]).toEqual([['HOSPITAL_UNKNOWN'], 1]);
});

it('hears what was pushed before the synchronisation was answered after it, and drops what a lost line left', async () => {
  const aggregate = (round: number): object => {
    const digest = 'dd'.repeat(32) as Digest;
    const place = { runId: RUN, round, attempt: 1, planDigest: digest, model: digest } as const;
    const body: Aggregate = { v: 1, ...place, from: 'coordinator', updates: [], totalExamples: 1 };
    const { envelope } = signStatement('aggregate', body, 'coordinator', (bytes) => signBytes(coordinator, bytes));
    return { name: 'aggregate', envelope };
  };
  answer = (name, request) => {
    if (name !== 'sync') return honest(name, request);
    events.statement(aggregate(2));
    return Promise.resolve({ ok: true, statements: [aggregate(1)] });
  };
  events.connected();
  await settled();
  events.statement(aggregate(3));
  expect(heard).toEqual(['aggregate 1', 'aggregate 2', 'aggregate 3']);
  events.disconnected(false);
  events.statement(aggregate(4));
  events.disconnected(false);
  answer = honest;
  events.connected();
  await settled();
  expect(heard).toHaveLength(3);
});
