/**
 * Claims: (1) thousands of malformed and mutated messages under every event name, from a stranger and from an enrolled
 * hospital, get a stable refusal and never `INTERNAL`; (2) frames that are no messages end only the connection that
 * sends them; (3) so do a message above the size limit, a flood above the rate limit, and strangers who pile up. Each time
 * the honest hospitals keep their connections and end with the exact average. An exception that nobody caught, in a
 * callback or a promise, fails the run: vitest counts it. A failure names the seed of the message.
 * Oracle: limits of libs/protocol, and FedAvg written out in support/siege.ts.
 */
import { Manager } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalBytes, toBase64, utf8, type Json } from '@consilium/bytes';
import { limits, requests, type RequestName } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { forge, forgeUpdate, RawHospital, type RawCredentials } from '../support/raw-hospital.js';
import { HOSTILE_VALUES, mutated } from '../support/mutations.js';
import { knownUpdate, Siege } from '../support/siege.js';

let siege: Siege;
let mallory: RawHospital;
let me: RawCredentials;

beforeEach(async () => {
  siege = await Siege.lay();
  mallory = await siege.mallory();
  me = await siege.credentials('mallory');
});
afterEach(async () => {
  await siege.expectUnharmed();
  await siege.lift();
});

const names = Object.keys(requests) as RequestName[];

/** A line of engine.io, over which nobody has come to a namespace of socket.io. */
function silentLine(url: string): Promise<Manager['engine']> {
  return new Promise((resolve, reject) => {
    const manager = new Manager(url, { transports: ['websocket'], reconnection: false, autoConnect: false });
    manager.open((error) => {
      if (error === undefined) resolve(manager.engine);
      else reject(error);
    });
  });
}

/** One good message for each event: what mutations start from. */
async function samples(): Promise<Record<RequestName, Json>> {
  const plan = await mallory.plan(1);
  const { statement, digest } = forgeUpdate(me, plan, knownUpdate('mallory', 1));
  const envelope = statement as unknown as Json;
  return {
    hello: { versions: { min: 1, max: 1 }, hospitalId: 'a', nonce: '00'.repeat(32) },
    prove: { answer: envelope },
    join: { token: '00'.repeat(32), statement: envelope, witness: envelope },
    membership: {},
    verify: { statement: envelope },
    rotate: { old: envelope, new: envelope },
    revoke: { statement: envelope },
    sync: {},
    about: { version: '0.1.0', engine: 'cpu', clockMs: 1 },
    consent: { statement: envelope },
    refuse: { statement: envelope },
    'blob.read': { runId: 'test-run', digest: plan.body.model, offset: 0, length: 60 },
    'update.offer': { statement: envelope },
    'update.chunk': { runId: 'test-run', digest, offset: 0, bytes: [] },
    'update.commit': { runId: 'test-run', digest },
    decline: { statement: envelope },
    evaluation: { statement: envelope },
    advert: { statement: envelope },
    shares: { statement: envelope, parcels: [] },
    complaint: { statement: envelope },
    agree: { statement: envelope },
    unmask: { statement: envelope },
    'deliveries.read': { runId: 'test-run', planDigest: digest },
    'round.read': { runId: 'test-run', round: 1 },
  };
}

const STABLE = ['MESSAGE_INVALID', 'NOT_AUTHENTICATED', 'TYPE_MISMATCH', 'SIGNATURE_INVALID', 'HOSPITAL_UNKNOWN'];
const OF_A_HOSPITAL = [
  ...STABLE,
  'RUN_UNKNOWN',
  'BLOB_UNKNOWN',
  'UPDATE_NOT_OFFERED',
  'UPDATE_SIZE',
  'CHUNK_OUT_OF_ORDER',
  // The run is sealed.
  'MODE_MISMATCH',
];
const MESSAGES = 500;

describe('malformed messages', () => {
  it.each(names)('%s', async (name) => {
    const sample = (await samples())[name];
    const stranger = await RawHospital.connect(siege.url);
    for (const [who, line] of [
      ['stranger', stranger],
      ['mallory', mallory],
    ] as const) {
      const random = new SeededRandom(`hostile/${name}/${who}`);
      const bodies = [...HOSTILE_VALUES, ...Array.from({ length: MESSAGES }, () => mutated(sample, random))];
      const answers = await Promise.all(bodies.map((body) => line.ask(name, body)));
      answers.forEach((answer, k) => {
        // A mutation may be a valid message after all: an offset of 7, an older version, `sync` as it should be.
        const allowed = answer.ok || (who === 'stranger' ? STABLE : OF_A_HOSPITAL).includes(String(answer.code));
        const code = `${who} ${String(answer.code)} for message ${k}: ${JSON.stringify(bodies[k]).slice(0, 200)}`;
        expect(allowed || `VERSION_UNSUPPORTED` === answer.code, code).toBe(true);
        expect(who === 'stranger' && answer.ok && name !== 'hello', `a stranger was answered, ${code}`).toBe(false);
      });
      expect(answers.filter(({ ok }) => !ok).length).toBeGreaterThan(HOSTILE_VALUES.length / 2);
      // Without an ack, with several arguments, with none: nobody is there to be told, and nothing happens.
      for (const body of bodies.slice(0, 100)) line.socket.emit(name, body);
      line.socket.emit(name);
      line.socket.emit(name, ...bodies.slice(0, 5));
      expect((await line.ask(name, 1, 2, 3)).code).toBe('MESSAGE_INVALID');
    }
    stranger.leave();
  });

  it('event names that are words of the language or of the library', async () => {
    const reserved = [
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'error',
      'statement',
      'ping',
      'message',
      '',
    ];
    for (const name of reserved) for (const body of HOSTILE_VALUES) mallory.socket.emit(name, body);
    expect(await mallory.ask('sync', {})).toMatchObject({ ok: true });
  });

  it('a payload inside a well-formed envelope that is anything but a statement', async () => {
    await mallory.plan(1);
    const payloads = ['', '{', '[]', 'null', '"x"', '{"v":1}', '{"__proto__":{"v":1}}', '\ufeff{}', '{"a":"\\ud800"}'];
    for (const text of payloads) {
      const statement = forge('update', utf8(text), 'mallory', me.identity);
      expect((await mallory.ask('update.offer', { statement })).code, text).toBe('MESSAGE_INVALID');
    }
    const notUtf8 = forge('update', Uint8Array.of(0x22, 0xff, 0x22), 'mallory', me.identity);
    expect((await mallory.ask('update.offer', { statement: notUtf8 })).code).toBe('MESSAGE_INVALID');
    const notBase64 = { ...forge('update', canonicalBytes({}), 'mallory', me.identity), payload: '====' };
    expect((await mallory.ask('update.offer', { statement: notBase64 })).code).toBe('MESSAGE_INVALID');
  });

  /** The deepest that fits: some hundred thousand brackets in base64. */
  it('a payload of deeply nested JSON', async () => {
    const depth = 95_000;
    const nested = {
      ...forge('update', utf8('0'), 'm', me.identity),
      payload: toBase64(utf8('['.repeat(depth) + ']'.repeat(depth))),
    };
    expect((await mallory.ask('update.offer', { statement: nested })).code).toBe('MESSAGE_INVALID');
  });
});

describe('frames that are no messages', () => {
  /** socket.io packets as text, behind the engine.io type byte that the client adds. */
  const packets = [
    '2',
    '2[',
    '2{}',
    '2[1]',
    '2["hello",{"_placeholder":true,"num":0}]',
    '2["sync"',
    '2["connect",{}]',
    '2["disconnect"]',
    '2["disconnecting"]',
    '2["newListener",{}]',
    '299999999999999999999["sync",{}]',
    '2/other,["sync",{}]',
    '0/other,',
    '4{"message":"x"}',
    '9["sync"]',
    '51-["update.chunk",{"_placeholder":true,"num":7}]',
    '5-1-["x"]',
    '599999999-["x",{"_placeholder":true,"num":0}]',
    '5x-["x"]',
    '31["not an ack of ours"]',
    '31[',
    `2["hello",${'['.repeat(400_000)}`,
    `2["hello",${'['.repeat(200_000)}${']'.repeat(200_000)}]`,
    `51-["update.chunk",${'['.repeat(200_000)}${']'.repeat(200_000)}]`,
    '2["hello",{"__proto__":{"versions":{"min":1,"max":1}}}]',
    '\u0000',
  ];

  it.each(packets.map((packet) => [packet.slice(0, 60), packet] as const))('%s', async (_, packet) => {
    const line = await RawHospital.connect(siege.url);
    line.socket.io.engine.write(packet);
    line.socket.io.engine.write(Buffer.from('bytes that nobody announced'));
    line.socket.io.engine.write(packet);
    await line.ask('sync', {});
    line.leave();
    expect(await mallory.ask('sync', {})).toMatchObject({ ok: true });
  });
});

describe('too much', () => {
  it('a message above the size limit cuts its own connection', async () => {
    const under = await mallory.ask('hello', { filler: 'x'.repeat(limits.messageBytes - 1_000) });
    expect(under.code).toBe('MESSAGE_INVALID');
    const over = await mallory.ask('hello', { filler: 'x'.repeat(limits.messageBytes + 1_000) });
    expect(over.code).toBe('CUT');
    expect(mallory.isCut).toBe(true);
  });

  it('a flood above the rate limit cuts its own connection', async () => {
    const answers = await Promise.all(
      Array.from({ length: 3 * limits.messagesPerSecond }, () => mallory.ask('sync', 'what costs least to refuse')),
    );
    // It is told why, before its line is cut.
    expect(answers.map(({ code }) => code)).toContain('RATE_LIMITED');
    await expect.poll(() => mallory.isCut).toBe(true);
    expect(siege.refusals().filter((code) => code === 'RATE_LIMITED')).toHaveLength(1);
    // It may come back: the limit is one of the connection.
    const again = await RawHospital.join(siege.url, me);
    again.leave();
  });

  it('connections over which nobody ever says a word count as strangers', async () => {
    const silent: Manager['engine'][] = [];
    for (let k = 0; k < limits.pendingConnections; k++) silent.push(await silentLine(siege.url));
    await expect(RawHospital.connect(siege.url)).rejects.toBe('transport close');
    expect(await mallory.ask('sync', {})).toMatchObject({ ok: true });
    for (const line of silent) line.close();
    await expect
      .poll(async () => {
        const line = await RawHospital.connect(siege.url);
        line.leave();
      })
      .toBeUndefined();
    // Nor does one that says goodbye to the namespace keep its line.
    const goodbye = await silentLine(siege.url);
    const closed = new Promise((resolve) => goodbye.on('close', resolve));
    const greeted = new Promise((resolve) => goodbye.once('message', resolve));
    goodbye.send('0');
    await greeted;
    goodbye.send('1');
    await closed;
  });

  it('strangers who pile up are cut, and those who are inside stay', async () => {
    const strangers: RawHospital[] = [];
    for (let k = 0; k < limits.pendingConnections; k++) strangers.push(await RawHospital.connect(siege.url));
    expect((await strangers[0]?.ask('sync', {}))?.code).toBe('NOT_AUTHENTICATED');
    await expect(RawHospital.connect(siege.url)).rejects.toBe('transport close');
    expect(await mallory.ask('sync', {})).toMatchObject({ ok: true });
    for (const stranger of strangers) stranger.leave();
    await expect
      .poll(async () => {
        const next = await RawHospital.connect(siege.url);
        const { code } = await next.ask('sync', {});
        next.leave();
        return code;
      })
      .toBe('NOT_AUTHENTICATED');
  });
});
