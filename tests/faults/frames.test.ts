/**
 * Claims: (1) ten thousand mutated messages of every type, and every honest message played back out of its place, from a
 * stranger and from an enrolled hospital, get a stable refusal or the harmless answer of a repeat: never `INTERNAL`, never
 * a cut line; (2) the coordinator's memory does not grow with them; (3) the run ends with the exact average all the same.
 * An exception that nobody caught, in a callback or a promise, fails the run: vitest counts it.
 * Oracle: FedAvg written out in support/siege.ts; what the process still holds. A failure names the seed of the message.
 *
 * 400 of each by default, all with CONSILIUM_FAULTS=all. `tests/attacks/hostile-frames` holds what is malformed by itself.
 */
import { setTimeout } from 'node:timers/promises';
import type { Json } from '@consilium/bytes';
import { limits, requests, type RequestName } from '@consilium/protocol';
import { SeededRandom } from '@consilium/tensors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { liveBytes } from '../support/live-bytes.js';
import { mutated } from '../support/mutations.js';
import { forgeUpdate, RawHospital, type RawCredentials } from '../support/raw-hospital.js';
import { honest, knownUpdate, Siege } from '../support/siege.js';

const MESSAGES = process.env['CONSILIUM_FAULTS'] === 'all' ? 10_000 : 400;
/** Within the rate of one line, with room for what is left of the second before. */
const BATCH = 400;
const PAUSE_MS = (1_000 * BATCH) / limits.messagesPerSecond + 20;
/** Of what is kept, with what the test itself notes of every refusal. */
const GROWTH_BYTES = 30 * 1_048_576;

let siege: Siege;
let mallory: RawHospital;
let me: RawCredentials;
beforeEach(async () => {
  siege = await Siege.lay({ roundTimeoutSeconds: 600 });
  mallory = await siege.mallory();
  me = await siege.credentials('mallory');
});
afterEach(async () => {
  await siege.lift();
});

const names = Object.keys(requests) as RequestName[];

/** A good message of that type; most carry a statement and nothing else. */
async function sampleOf(name: RequestName): Promise<Json> {
  const plan = await mallory.plan(1);
  const { statement, digest } = forgeUpdate(me, plan, knownUpdate('mallory', 1));
  const envelope = statement as unknown as Json;
  const runId = 'test-run';
  const others: Partial<Record<RequestName, Json>> = {
    hello: { versions: { min: 1, max: 1 }, hospitalId: 'a', nonce: '00'.repeat(32) },
    prove: { answer: envelope },
    join: { token: '00'.repeat(32), statement: envelope, witness: envelope },
    membership: {},
    rotate: { old: envelope, new: envelope },
    sync: {},
    'blob.read': { runId, digest: plan.body.model, offset: 0, length: 60 },
    'update.chunk': { runId, digest, offset: 0, bytes: [] },
    'update.commit': { runId, digest },
  };
  return others[name] ?? { statement: envelope };
}

describe('mutated', () => {
  it.each(names)(`%s, ${MESSAGES} times`, { timeout: 120_000 }, async (name) => {
    const sample = await sampleOf(name);
    const beforeBytes = liveBytes();
    for (const who of ['stranger', 'mallory']) {
      const seed = `frames/${name}/${who}`;
      const random = new SeededRandom(seed);
      for (let sent = 0; sent < MESSAGES / 2; sent += BATCH / 2) {
        const bodies = Array.from({ length: BATCH / 2 }, () => mutated(sample, random));
        // A stranger's time is short: a new one for each batch.
        const line = who === 'mallory' ? mallory : await RawHospital.connect(siege.url);
        const answers = await Promise.all(bodies.map((body) => line.ask(name, body)));
        if (line !== mallory) line.leave();
        const bad = answers.findIndex(({ code }) => ['INTERNAL', 'CUT', 'STORE_UNAVAILABLE'].includes(String(code)));
        expect(bad === -1 ? 'none' : `${seed}: ${String(answers[bad]?.code)} for ${JSON.stringify(bodies[bad])}`).toBe(
          'none',
        );
        if (sent + BATCH / 2 < MESSAGES / 2) await setTimeout(PAUSE_MS / 2);
      }
    }
    expect(liveBytes() - beforeBytes).toBeLessThan(GROWTH_BYTES);
    await siege.expectUnharmed();
  });
});

/** Everything that an honest mallory says in a round, in order. */
async function honestMessages(): Promise<[RequestName, unknown][]> {
  const plan = await mallory.plan(1);
  const { statement, digest, blob } = forgeUpdate(me, plan, knownUpdate('mallory', 1));
  const { answer } = await (await RawHospital.connect(siege.url)).answerTo(me);
  return [
    ['hello', { versions: { min: 1, max: 1 }, hospitalId: 'mallory', nonce: 'c0'.repeat(32) }],
    ['prove', { answer }],
    ['sync', {}],
    ['update.offer', { statement }],
    ['update.chunk', { runId: 'test-run', digest, offset: 0, bytes: Buffer.from(blob) }],
    ['update.commit', { runId: 'test-run', digest }],
  ];
}

describe('played back', () => {
  it('in any order and number, an honest update counts once', { timeout: 120_000 }, async () => {
    const messages = await honestMessages();
    const random = new SeededRandom('frames/played-back');
    const beforeBytes = liveBytes();
    const codes = new Set<string>();
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      const drawn = Array.from(
        { length: BATCH },
        () => messages[random.integer(messages.length)] ?? (['sync', {}] as const),
      );
      const answers = await Promise.all(drawn.map(([name, body]) => mallory.ask(name, body)));
      for (const { ok, code } of answers) codes.add(ok ? 'OK' : String(code));
      if (sent + BATCH < MESSAGES) await setTimeout(PAUSE_MS);
    }
    // Once more in order. Of an update that counts already, no byte is taken again.
    const [offered, , committed] = [
      await mallory.ask(...(messages[3] ?? ['sync', {}])),
      await mallory.ask(...(messages[4] ?? ['sync', {}])),
      await mallory.ask(...(messages[5] ?? ['sync', {}])),
    ];
    expect([offered, committed]).toMatchObject([{ ok: true }, { ok: true }]);
    expect([...codes].filter((code) => ['INTERNAL', 'CUT', 'STORE_UNAVAILABLE'].includes(code))).toEqual([]);
    expect(codes).toContain('OK');
    expect(liveBytes() - beforeBytes).toBeLessThan(GROWTH_BYTES);
    // The examples of a forged update are 10; once, not as often as it was said.
    await siege.expectUnharmed([[...honest(1), { examples: 10, update: knownUpdate('mallory', 1) }]]);
  });
});
