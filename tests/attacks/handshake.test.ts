/**
 * Claims, one for each test: who does not hold an enrolled key gets nothing, whatever was overheard or made for somebody
 * else; a hospital leaves a coordinator that does not hold the pinned key before it has proved or sent anything.
 * After each attack the run ends with the exact average of the honest hospitals. Oracle: proofs made by hand.
 *
 * Tried by hand on a copy of the tree: without the comparison of the coordinator's nonce (session.ts, `same`) "replayed
 * from an earlier session" and "for another hospital, version or nonce" fail; without that of `coordinatorKey` "made for
 * another coordinator"; without that of the nonce at the hospital (handshake.ts) "an old challenge, played back".
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalBytes, toHex } from '@consilium/bytes';
import { generateIdentity } from '@consilium/crypto';
import { parseUnverified, requests, type Envelope, type HospitalId, type RunConfig } from '@consilium/protocol';
import { FakeCoordinator } from '../support/fake-coordinator.js';
import { knownLearner } from '../support/federation.js';
import { forge, forgeUpdate, RawHospital, type RawCredentials } from '../support/raw-hospital.js';
import { knownUpdate, Siege } from '../support/siege.js';

let siege: Siege;
let mallory: RawHospital;
let me: RawCredentials;
let stranger: RawHospital;
const opened: { leave(): void }[] = [];

beforeEach(async () => {
  siege = await Siege.lay();
  mallory = await siege.mallory();
  me = await siege.credentials('mallory');
  stranger = await RawHospital.connect(siege.url);
});
afterEach(async () => {
  for (const line of opened.splice(0)) line.leave();
  stranger.leave();
  await siege.expectUnharmed();
  await siege.lift();
});

/** Nothing is open to this connection. */
async function expectShut(line: RawHospital): Promise<void> {
  expect((await line.ask('sync', {})).code).toBe('NOT_AUTHENTICATED');
}

describe('before the handshake', () => {
  it('no request is answered', async () => {
    const plan = await mallory.plan(1);
    const { statement, digest } = forgeUpdate(me, plan, knownUpdate('mallory', 1));
    const { answer } = await (await RawHospital.connect(siege.url)).answerTo(me);
    const wellFormed: Record<Exclude<keyof typeof requests, 'hello'>, object> = {
      prove: { answer },
      join: { token: '00'.repeat(32), statement, witness: statement },
      membership: {},
      verify: { statement },
      rotate: { old: statement, new: statement },
      revoke: { statement },
      sync: {},
      about: { version: '0.1.0', engine: 'cpu', clockMs: 1 },
      consent: { statement },
      refuse: { statement },
      'blob.read': { runId: 'test-run', digest: plan.body.model, offset: 0, length: 60 },
      'update.offer': { statement },
      'update.chunk': { runId: 'test-run', digest, offset: 0, bytes: Buffer.alloc(10) },
      'update.commit': { runId: 'test-run', digest },
      decline: { statement },
      evaluation: { statement },
      advert: { statement },
      shares: { statement, parcels: [] },
      complaint: { statement },
      agree: { statement },
      unmask: { statement },
      'deliveries.read': { runId: 'test-run', planDigest: digest },
      'round.read': { runId: 'test-run', round: 1 },
    };
    for (const [name, body] of Object.entries(wellFormed)) {
      expect(requests[name as keyof typeof requests].safeParse(body).success, name).toBe(true);
      expect((await stranger.ask(name, body)).code, name).toBe('NOT_AUTHENTICATED');
    }
    // Half of a handshake is none: it serves a proof, or somebody with an invitation.
    await stranger.hello('a');
    for (const [name, body] of Object.entries(wellFormed).slice(2)) {
      expect((await stranger.ask(name, body)).code, name).toBe('NOT_AUTHENTICATED');
    }
  });

  it('nothing is pushed to a stranger', async () => {
    await stranger.hello('a');
    siege.letGo(1, 'a', 'b');
    await siege.accepted('b', 1);
    mallory.leave();
    await siege.consortium.conductor.ended;
    expect(stranger.pushed).toEqual([]);
  });

  it('a version that is too old or too new is refused, and both sides are named', async () => {
    const old = await stranger.hello('a', { min: 2, max: 7 });
    expect(old.code).toBe('VERSION_UNSUPPORTED');
    expect(old.message).toContain('hospital 2 to 7, coordinator up to 1');
    expect((await stranger.hello('a', { min: 5, max: 3 })).code).toBe('VERSION_UNSUPPORTED');
    expect((await stranger.hello('a', { min: 0, max: 0 })).code).toBe('MESSAGE_INVALID');
    expect(await stranger.hello('a', { min: 1, max: 99 })).toMatchObject({ ok: true });
  });
});

describe('a proof', () => {
  it('of a hospital that is not enrolled', async () => {
    const identity = generateIdentity();
    const { answer } = await stranger.answerTo({ ...me, hospitalId: 'nobody' as HospitalId, identity });
    expect((await stranger.ask('prove', { answer })).code).toBe('HOSPITAL_UNKNOWN');
    await expectShut(stranger);
  });

  it('under another key, enrolled or not', async () => {
    for (const identity of [generateIdentity(), me.identity]) {
      const { answer } = await stranger.answerTo({ ...me, hospitalId: 'a' as HospitalId, identity });
      expect((await stranger.ask('prove', { answer })).code).toBe('SIGNATURE_INVALID');
      await expectShut(stranger);
    }
  });

  it('replayed from an earlier session', async () => {
    const first = await RawHospital.connect(siege.url);
    opened.push(first);
    const { answer } = await first.answerTo(me);
    expect(await first.ask('prove', { answer })).toMatchObject({ ok: true });
    // The same nonce of the hospital: only the coordinator's differs.
    await stranger.hello('mallory');
    expect((await stranger.ask('prove', { answer })).code).toBe('SIGNATURE_INVALID');
    await expectShut(stranger);
  });

  it('replayed in the same session: a challenge is used up', async () => {
    const { answer } = await stranger.answerTo({ ...me, identity: generateIdentity() });
    expect((await stranger.ask('prove', { answer })).code).toBe('SIGNATURE_INVALID');
    expect((await stranger.ask('prove', { answer })).code).toBe('NOT_AUTHENTICATED');
  });

  it('made for another coordinator, which relays it', async () => {
    const other = generateIdentity();
    const { answer } = await stranger.answerTo({ ...me, coordinatorKey: other.publicKey });
    expect((await stranger.ask('prove', { answer })).code).toBe('SIGNATURE_INVALID');
    await expectShut(stranger);
  });

  it('for another hospital, version or nonce than was asked for', async () => {
    const changes = [
      { hospitalId: 'a' },
      { protocol: 2 },
      { clientNonce: '00'.repeat(32) },
      { serverNonce: '00'.repeat(32) },
    ];
    for (const change of changes) {
      const { answer } = await stranger.answerTo(me, change);
      expect((await stranger.ask('prove', { answer })).code, JSON.stringify(change)).toBe('SIGNATURE_INVALID');
    }
    await expectShut(stranger);
  });

  it('by a signature of the right key over another statement', async () => {
    const { challenge } = await stranger.answerTo(me);
    const { body } = parseUnverified('challenge', challenge);
    const answer = forge(
      'consent',
      canonicalBytes({ ...body, coordinatorKey: toHex(me.coordinatorKey) }),
      'm',
      me.identity,
    );
    expect((await stranger.ask('prove', { answer })).code).toBe('TYPE_MISMATCH');
    await expectShut(stranger);
  });
});

describe('a session', () => {
  it('stays the hospital that it was: a second hello on it is refused', async () => {
    expect((await mallory.hello('a')).code).toBe('MESSAGE_INVALID');
    // It is still mallory's, and mallory is missed when it leaves.
    expect(await mallory.ask('sync', {})).toMatchObject({ ok: true });
    mallory.leave();
    const isMissed = (): boolean =>
      siege.consortium.progress.some((step) => step.event === 'disconnected' && step.hospital === 'mallory');
    await expect.poll(isMissed).toBe(true);
  });
});

describe('a hospital leaves with COORDINATOR_UNKNOWN', () => {
  const configOf = (): RunConfig => parseUnverified('run-config', mallory.latest('run-config')).body;
  const open = async (...args: Parameters<typeof FakeCoordinator.open>): Promise<FakeCoordinator> => {
    const fake = await FakeCoordinator.open(...args);
    opened.push({ leave: () => void fake.close() });
    return fake;
  };
  const expectLeft = async (fake: FakeCoordinator): Promise<void> => {
    const outcome = await siege.consortium.join(
      'mallory',
      knownLearner(1, () => new Float32Array(15)),
      { url: fake.url },
    );
    expect(outcome).toMatchObject({ ended: 'refused-there', error: { code: 'COORDINATOR_UNKNOWN' } });
    expect(fake.heard).toEqual(['hello']);
  };

  it('a coordinator with another key', async () => {
    await expectLeft(await open(generateIdentity(), configOf()));
  });

  it('a man in the middle that passes hello on to the true coordinator and signs the challenge himself', async () => {
    const fake = await open(generateIdentity(), configOf(), {
      hello: async (hello) => {
        const { challenge } = (await stranger.ask('hello', hello)) as unknown as { challenge: Envelope };
        const { body } = parseUnverified('challenge', challenge);
        return { ok: true, challenge: fake.sign('challenge', body).envelope };
      },
    });
    await expectLeft(fake);
  });

  it('an old challenge of the true coordinator, played back', async () => {
    const { challenge } = await stranger.answerTo(me);
    await expectLeft(await open(generateIdentity(), configOf(), { hello: () => ({ ok: true, challenge }) }));
  });

  it('a challenge that the true coordinator made for another hospital', async () => {
    const fake = await open(generateIdentity(), configOf(), {
      hello: ({ nonce }) => stranger.ask('hello', { versions: { min: 1, max: 1 }, hospitalId: 'a', nonce }),
    });
    await expectLeft(fake);
  });
});
