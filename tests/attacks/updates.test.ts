/**
 * Claims, one for each test: what a hostile but enrolled hospital can do to the updates of a round, and the code that it
 * gets; afterwards the round ends with the exact average of what honest hospitals sent, and no file of it is left.
 * Oracles: FedAvg written out in support/siege.ts, and envelopes and seals made by hand in support/raw-hospital.ts.
 *
 * Tried by hand on a copy of the tree; each switch-off makes the tests named fail, and no other:
 * - update statements not verified (uploads.ts): "a wrong signature", "the signature of another enrolled hospital", "a
 *   statement signed by another hospital", "a malleated signature", "a signed statement of another type";
 * - the sender not compared with the session (uploads.ts): "another hospital's name";
 * - hospital left out of the seal's context (seal-context.ts): "sealed for another plan, ..." and "another hospital's
 *   captured update"; plan digest left out: "sealed for another plan, ...";
 * - duplicates not refused (refuse-update.ts, `received.has`): "a second update";
 * - digest not compared (blob-folder.ts, `complete`): "other bytes than the digest";
 * - blobs named by digest alone (blob-folder.ts): both of "re-addressed"; finite numbers not asked for: "not finite".
 * Only one survives: without our own check of S < L the malleated signature is still refused, by node:crypto.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalBytes, fromBase64, toBase64, utf8 } from '@consilium/bytes';
import { generateRoundKey } from '@consilium/crypto';
import { parseUnverified, type Envelope, type Opened } from '@consilium/protocol';
import { forge, forgeUpdate, RawHospital, type RawCredentials, type UpdateChanges } from '../support/raw-hospital.js';
import { honest, knownUpdate, PARAMETERS, Siege } from '../support/siege.js';

let siege: Siege;
let mallory: RawHospital;
let me: RawCredentials;
let plan: Opened<'plan'>;

async function begin(...setup: Parameters<typeof Siege.lay>): Promise<void> {
  siege = await Siege.lay(...setup);
  mallory = await siege.mallory();
  me = await siege.credentials('mallory');
  plan = await mallory.plan(1);
}
afterEach(() => siege.lift());

const VALUES = knownUpdate('mallory', 1);
const trySending = (changes: UpdateChanges, values = VALUES): Promise<string> =>
  mallory.send(forgeUpdate(me, plan, values, changes));

describe('an update that is refused', () => {
  beforeEach(() => begin());
  afterEach(() => siege.expectUnharmed());

  it('a wrong signature', async () => {
    const update = forgeUpdate(me, plan, VALUES);
    const [{ keyid, sig }] = update.statement.signatures;
    const signature = fromBase64(sig);
    signature[3] = (signature[3] ?? 0) ^ 1;
    const statement = { ...update.statement, signatures: [{ keyid, sig: toBase64(signature) }] } satisfies Envelope;
    expect(await mallory.send({ ...update, statement })).toBe('SIGNATURE_INVALID');
  });

  it('the signature of another enrolled hospital', async () => {
    const signer = (await siege.credentials('a')).identity;
    expect(await trySending({ signer })).toBe('SIGNATURE_INVALID');
  });

  it("another hospital's name under the own signature", async () => {
    expect(await trySending({ body: { from: 'a' } })).toBe('SENDER_MISMATCH');
  });

  it('a statement signed by another hospital, word for word', async () => {
    const theirs = forgeUpdate(await siege.credentials('a'), plan, VALUES);
    expect(await mallory.send(theirs)).toBe('SIGNATURE_INVALID');
  });

  it('a malleated signature (S + L)', async () => {
    const update = forgeUpdate(me, plan, VALUES);
    const [{ keyid, sig }] = update.statement.signatures;
    const signature = Buffer.from(fromBase64(sig));
    const L = 2n ** 252n + 27742317777372353535851937790883648493n;
    const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
    const malleated = (littleEndian(signature.subarray(32)) + L).toString(16).padStart(64, '0');
    signature.set(Buffer.from(malleated, 'hex').reverse(), 32);
    const statement = { ...update.statement, signatures: [{ keyid, sig: toBase64(signature) }] } satisfies Envelope;
    expect(await mallory.send({ ...update, statement })).toBe('SIGNATURE_INVALID');
  });

  it('a signed statement of another type', async () => {
    const { statement } = forgeUpdate(me, plan, VALUES);
    const evaluation = forge('evaluation', fromBase64(statement.payload), 'mallory', me.identity);
    expect((await mallory.ask('update.offer', { statement: evaluation })).code).toBe('TYPE_MISMATCH');
    // The type alone is changed back: it is under the signature.
    const relabelled = { ...evaluation, payloadType: statement.payloadType };
    expect((await mallory.ask('update.offer', { statement: relabelled })).code).toBe('SIGNATURE_INVALID');
  });

  it('another run, plan, round or attempt in the statement', async () => {
    expect(await trySending({ body: { runId: 'other-run' } })).toBe('RUN_UNKNOWN');
    expect(await trySending({ body: { planDigest: 'ab'.repeat(32) } })).toBe('PLAN_MISMATCH');
    expect(await trySending({ body: { round: 2 } })).toBe('PLAN_MISMATCH');
    expect(await trySending({ body: { attempt: 2 } })).toBe('PLAN_MISMATCH');
  });

  it('examples that are no count', async () => {
    for (const examples of [0, -1, 100_000_001, 2 ** 53 - 1, '10', null]) {
      expect(await trySending({ body: { examples } }), String(examples)).toBe('MESSAGE_INVALID');
    }
    for (const spelling of ['10.5', '1e1', '10.0', '1e999', '-0', 'NaN', '010']) {
      const honestText = Buffer.from(fromBase64(forgeUpdate(me, plan, VALUES).statement.payload)).toString();
      const payload = utf8(honestText.replace('"examples":10', `"examples":${spelling}`));
      const statement = forge('update', payload, 'mallory', me.identity);
      expect((await mallory.ask('update.offer', { statement })).code, spelling).toBe('MESSAGE_INVALID');
    }
  });

  it('unknown, missing and doubled fields', async () => {
    expect(await trySending({ body: { patient: 'x' } })).toBe('MESSAGE_INVALID');
    expect(await trySending({ body: { loss: undefined } })).toBe('MESSAGE_INVALID');
    expect(await trySending({ body: { v: 2 } })).toBe('MESSAGE_INVALID');
    const text = Buffer.from(fromBase64(forgeUpdate(me, plan, VALUES).statement.payload)).toString();
    const doubled = utf8(text.replace('"examples":10', '"examples":10,"examples":99'));
    const statement = forge('update', doubled, 'mallory', me.identity);
    expect((await mallory.ask('update.offer', { statement })).code).toBe('MESSAGE_INVALID');
    const offer = { statement: forgeUpdate(me, plan, VALUES).statement, extra: 1 };
    expect((await mallory.ask('update.offer', offer)).code).toBe('MESSAGE_INVALID');
  });

  it('a size other than the plan implies', async () => {
    for (const parameters of [PARAMETERS - 1, PARAMETERS + 1, 100_000]) {
      expect(await trySending({}, new Float32Array(parameters))).toBe('UPDATE_SIZE');
    }
    expect(await trySending({ body: { blobBytes: 67_108_865 } })).toBe('MESSAGE_INVALID');
  });

  it('a truncated blob', async () => {
    const update = forgeUpdate(me, plan, VALUES);
    expect(await mallory.send({ ...update, blob: update.blob.subarray(0, -1) })).toBe('UPDATE_SIZE');
  });

  it('more bytes than promised', async () => {
    const update = forgeUpdate(me, plan, VALUES);
    expect(await mallory.send({ ...update, blob: Buffer.concat([update.blob, Buffer.alloc(1)]) })).toBe('UPDATE_SIZE');
    expect(await mallory.send({ ...update, blob: Buffer.concat([update.blob, Buffer.alloc(64)]) }, 64)).toBe(
      'UPDATE_SIZE',
    );
  });

  it('chunks out of order, twice, or with a gap', async () => {
    const { statement, digest, blob } = forgeUpdate(me, plan, VALUES);
    const chunk = (offset: number): ReturnType<RawHospital['ask']> =>
      mallory.ask('update.chunk', {
        runId: 'test-run',
        digest,
        offset,
        bytes: Buffer.from(blob.subarray(offset, offset + 50)),
      });
    await mallory.ask('update.offer', { statement });
    expect((await chunk(50)).code).toBe('CHUNK_OUT_OF_ORDER');
    expect(await chunk(0)).toEqual({ ok: true, receivedBytes: 50 });
    // Again is harmless: a line may have taken the ack with it.
    expect(await chunk(0)).toEqual({ ok: true, receivedBytes: 50 });
    expect((await chunk(100)).code).toBe('CHUNK_OUT_OF_ORDER');
    expect((await mallory.ask('update.commit', { runId: 'test-run', digest })).code).toBe('UPDATE_SIZE');
  });

  it('chunks and a commit without an offer, or for another digest than the offered one', async () => {
    const { statement, digest, blob } = forgeUpdate(me, plan, VALUES);
    const bytes = Buffer.from(blob);
    expect((await mallory.ask('update.chunk', { runId: 'test-run', digest, offset: 0, bytes })).code).toBe(
      'UPDATE_NOT_OFFERED',
    );
    expect((await mallory.ask('update.commit', { runId: 'test-run', digest })).code).toBe('UPDATE_NOT_OFFERED');
    await mallory.ask('update.offer', { statement });
    const other = 'cd'.repeat(32);
    expect((await mallory.ask('update.chunk', { runId: 'test-run', digest: other, offset: 0, bytes })).code).toBe(
      'UPDATE_NOT_OFFERED',
    );
    const path = '../../coordinator.key';
    expect((await mallory.ask('update.commit', { runId: 'test-run', digest: path })).code).toBe('MESSAGE_INVALID');
  });

  it('other bytes than the digest', async () => {
    const update = forgeUpdate(me, plan, VALUES);
    const other = forgeUpdate(me, plan, VALUES).blob;
    expect(await mallory.send({ ...update, blob: other })).toBe('DIGEST_MISMATCH');
  });

  it('random bytes of the right size', async () => {
    const blob = Buffer.concat([Uint8Array.from({ length: 188 }, (_, k) => (k * 89 + 7) % 256)]);
    expect(await trySending({ blob })).toBe('SEAL_INVALID');
  });

  it('sealed for another plan, run, round, attempt, hospital or round key', async () => {
    const contexts: UpdateChanges[] = [
      { context: { planDigest: 'ab'.repeat(32) } },
      { context: { runId: 'other-run' } },
      { context: { round: 2 } },
      { context: { attempt: 2 } },
      { context: { hospitalId: 'a' } },
      { roundKey: generateRoundKey().publicKey },
    ];
    for (const changes of contexts) expect(await trySending(changes), JSON.stringify(changes)).toBe('SEAL_INVALID');
  });

  it('an ephemeral key of low order', async () => {
    const { blob } = forgeUpdate(me, plan, VALUES);
    blob.fill(0, 8, 40);
    expect(await trySending({ blob })).toBe('SEAL_INVALID');
  });

  it('values that are not finite, at either end', async () => {
    for (const [k, value] of [
      [0, NaN],
      [PARAMETERS - 1, Infinity],
      [7, -Infinity],
    ] as const) {
      const values = Float32Array.from(VALUES);
      values[k] = value;
      expect(await trySending({}, values), String(value)).toBe('UPDATE_NOT_FINITE');
    }
  });
});

describe('re-addressed', () => {
  it("another hospital's captured update under the own signed statement changes nothing for its owner", async () => {
    await begin();
    siege.letGo(1, 'a');
    await siege.accepted('a', 1);
    const blobs = join(siege.consortium.directory, 'coordinator', 'store', 'blobs');
    const [captured] = await readdir(blobs, { recursive: true });
    const blob = await readFile(join(blobs, String(captured)));
    expect(await trySending({ blob })).toBe('SEAL_INVALID');
    await siege.expectUnharmed();
  });

  it("an offer of another hospital's digest does not get in the way of the upload that is under way", async () => {
    siege = await Siege.lay({}, ['slow']);
    mallory = await siege.mallory();
    me = await siege.credentials('mallory');
    const theirKeys = await siege.credentials('slow');
    const slow = await RawHospital.join(siege.url, theirKeys);
    plan = await slow.plan(1);
    const theirs = forgeUpdate(theirKeys, plan, VALUES);
    const { digest } = theirs;
    const half = (offset: number): object => ({
      runId: 'test-run',
      ...{ digest, offset },
      bytes: Buffer.from(theirs.blob.subarray(offset, offset + 94)),
    });
    await slow.ask('update.offer', { statement: theirs.statement });
    await slow.ask('update.chunk', half(0));
    // The thief promises the same bytes, and then others instead, which throws the first upload away.
    await mallory.ask('update.offer', { statement: forgeUpdate(me, plan, VALUES, { blob: theirs.blob }).statement });
    await mallory.ask('update.offer', { statement: forgeUpdate(me, plan, VALUES).statement });
    expect(await slow.ask('update.chunk', half(94))).toMatchObject({ ok: true });
    expect(await slow.ask('update.commit', { runId: 'test-run', digest })).toEqual({ ok: true });
    slow.leave();
    await siege.expectUnharmed([[...honest(1), { examples: 10, update: VALUES }]]);
  });
});

describe('more than one update', () => {
  it('a second update in one round, and an identical one again, do not count', async () => {
    await begin();
    const first = forgeUpdate(me, plan, VALUES);
    expect(await mallory.send(first)).toBe('OK');
    // As after a lost ack: all of it is here, and it counts once.
    const again = await mallory.ask('update.offer', { statement: first.statement });
    expect(again).toEqual({ ok: true, receivedBytes: first.blob.length });
    const { runId, digest } = first;
    expect(await mallory.ask('update.commit', { runId, digest })).toEqual({ ok: true });
    expect(await mallory.send(first)).toBe('UPDATE_NOT_OFFERED');
    expect(await trySending({ body: { examples: 100_000_000 } })).toBe('UPDATE_DUPLICATE');
    await siege.expectUnharmed([[...honest(1), { examples: 10, update: VALUES }]]);
  });

  it('an update of an earlier round is no update of this one', async () => {
    await begin({ rounds: 2 });
    const first = forgeUpdate(me, plan, VALUES);
    expect(await mallory.send(first)).toBe('OK');
    siege.letGo(1);
    const second = await mallory.plan(2);
    expect(await mallory.send(first)).toBe('PLAN_MISMATCH');
    // The old sealed bytes under a new statement: the seal is for the old plan and the old round key.
    expect(await mallory.send(forgeUpdate(me, second, VALUES, { blob: first.blob }))).toBe('SEAL_INVALID');
    await siege.expectUnharmed([[...honest(1), { examples: 10, update: VALUES }], honest(2)]);
  });

  it('an upload that never ends holds the round until its time is up, and is gone afterwards', async () => {
    await begin({ roundTimeoutSeconds: 1 });
    const endless = forgeUpdate(me, plan, VALUES);
    const { digest } = endless;
    await mallory.ask('update.offer', { statement: endless.statement });
    await mallory.ask('update.chunk', {
      runId: 'test-run',
      digest,
      offset: 0,
      bytes: Buffer.from(endless.blob.subarray(0, 100)),
    });
    siege.letGo(1);
    const isDone = (): boolean => siege.consortium.progress.some(({ event }) => event === 'round-done');
    await expect.poll(isDone, { timeout: 3_000 }).toBe(true);
    const rest = { runId: 'test-run', digest, offset: 100, bytes: Buffer.from(endless.blob.subarray(100)) };
    expect((await mallory.ask('update.chunk', rest)).code).toBe('UPDATE_NOT_OFFERED');
    expect(await mallory.send(endless)).toBe('ROUND_CLOSED');
    await siege.expectUnharmed();
  });
});

describe('finite numbers without measure', () => {
  it('are refused, and the run goes on', async () => {
    await begin();
    expect(await trySending({}, new Float32Array(PARAMETERS).fill(3.4e38))).toBe('UPDATE_NOT_CLIPPED');
    // Just above the bound of the configuration, 100: sqrt(15) * 26 is 100.7.
    expect(await trySending({}, new Float32Array(PARAMETERS).fill(26))).toBe('UPDATE_NOT_CLIPPED');
    await siege.expectUnharmed();
  });
});

describe('outside the cohort', () => {
  it('an enrolled hospital that came after the round had begun', async () => {
    await begin({ gatherTimeoutSeconds: 0.5 }, ['late']);
    const credentials = await siege.credentials('late');
    const late = await RawHospital.join(siege.url, credentials);
    expect(parseUnverified('plan', late.latest('plan')).body.cohort).not.toContain('late');
    expect(await late.send(forgeUpdate(credentials, plan, VALUES))).toBe('NOT_IN_COHORT');
    late.leave();
    await siege.expectUnharmed();
  });

  it('a consent to another configuration, and a consent of somebody else', async () => {
    await begin();
    const { body } = parseUnverified('run-config', mallory.latest('run-config'));
    const consent = { v: 1, runId: body.runId, from: 'mallory', configDigest: 'ab'.repeat(32) };
    const send = (from: string, signer = me.identity): ReturnType<RawHospital['ask']> =>
      mallory.ask('consent', {
        statement: forge('consent', canonicalBytes({ ...consent, from }), 'mallory', signer),
      });
    expect((await send('mallory')).code).toBe('CONFIG_MISMATCH');
    expect((await send('a')).code).toBe('SENDER_MISMATCH');
    expect((await send('a', (await siege.credentials('a')).identity)).code).toBe('SIGNATURE_INVALID');
    await siege.expectUnharmed();
  });
});
