/**
 * Claims: a hospital follows its own rules against a coordinator that holds the pinned key and signs nonsense. What it
 * did not consent to it refuses by a code, before it trains; it answers a plan once; it sends nothing that others could
 * open; it takes no bytes for a model but those that were announced; what is malformed or not signed is as if never said.
 * Oracle: the list of requests that the fake coordinator heard, and how often the learner was asked to train.
 *
 * Tried by hand on a copy of the tree: a hospital that forgets which plans it answered (step.ts, `isNew`) fails "for a
 * round that was answered"; one that does not compare the digest of a model (channel.ts, `readBlob`) "other bytes".
 */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '@consilium/bytes';
import { openHome } from '@consilium/coordinator';
import { digestBlob, generateIdentity } from '@consilium/crypto';
import { openIdentity, pinnedCoordinator, type NodeOutcome } from '@consilium/hospital';
import { parseUnverified, type Digest, type Opened, type RunConfig } from '@consilium/protocol';
import { FakeCoordinator, type FakeAnswer } from '../support/fake-coordinator.js';
import { convene, knownLearner, type Consortium } from '../support/federation.js';
import { RawHospital } from '../support/raw-hospital.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Meeting {
  readonly fake: FakeCoordinator;
  readonly outcome: Promise<NodeOutcome>;
  /** Rounds in which the hospital was made to train. */
  readonly trained: number[];
}

/** Hospital `a` meets the fake. @param config - what the fake signs instead of the configuration of a good run. */
async function meet(
  config: Partial<RunConfig> = {},
  answers: Parameters<typeof FakeCoordinator.open>[2] = {},
): Promise<Meeting> {
  const consortium: Consortium = await convene(['a', 'b']);
  closing.push(() => consortium.dismantle());
  const b = {
    ...(await openIdentity(consortium.homeOf('b'))),
    coordinatorKey: await pinnedCoordinator(consortium.homeOf('b')),
  };
  const raw = await RawHospital.join(consortium.coordinator.url, b);
  const good = parseUnverified('run-config', raw.latest('run-config')).body;
  raw.leave();
  const { identity } = await openHome(join(consortium.directory, 'coordinator'));
  const fake = await FakeCoordinator.open(identity, { ...good, ...config }, answers);
  closing.push(() => fake.close());
  const trained: number[] = [];
  const learner = knownLearner(5, (round) => {
    trained.push(round);
    return new Float32Array(15).fill(0.25);
  });
  const outcome = consortium.join('a', learner, { url: fake.url });
  outcome.catch(() => undefined);
  return { fake, outcome, trained };
}

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);
const sent = ({ fake }: Meeting): string[] => fake.heard.filter((name) => name.startsWith('update.'));

/** Ends the run, so that everything pushed before has had its effect when the outcome is there. */
async function finish({ fake, outcome }: Meeting): Promise<NodeOutcome> {
  fake.push('run-end', endOf(fake));
  return outcome;
}

function endOf(fake: FakeCoordinator, changes: Partial<Opened<'run-end'>['body']> = {}): Opened<'run-end'> {
  const { body, digest: configDigest } = fake.config;
  return fake.sign('run-end', {
    v: 1,
    runId: body.runId,
    from: 'coordinator',
    configDigest,
    outcome: 'aborted',
    reason: 'STOPPED',
    rounds: 0,
    best: null,
    ...changes,
  });
}

describe('a configuration that the hospital does not consent to', () => {
  const KEY = 'ab'.repeat(32);
  const trap = digestBlob(bytesOf(new Float32Array(15).fill(0.125))) as Digest;
  const cases: Record<string, [Partial<RunConfig>, string]> = {
    'another key for this hospital': [{ roster: [{ hospitalId: 'a' as never, identityKey: KEY }] }, 'NOT_ON_ROSTER'],
    'a roster without this hospital': [{ roster: [{ hospitalId: 'b' as never, identityKey: KEY }] }, 'NOT_ON_ROSTER'],
    'another backbone': [{ backbone: 'cd'.repeat(32) as Digest }, 'BACKBONE_MISMATCH'],
    'another preprocessing': [{ preprocessing: 'other' }, 'PREPROCESSING_MISMATCH'],
    'another initial model': [{ initialModel: trap }, 'INITIAL_MODEL_MISMATCH'],
    'another number of parameters': [{ parameters: 16 }, 'HEAD_MISMATCH'],
    'another head': [{ head: { kind: 'linear', inputs: 5, classes: 3 } }, 'HEAD_MISMATCH'],
    'more labels than classes': [{ study: { name: 's', labels: ['x', 'y', 'z', 'w'] } }, 'HEAD_MISMATCH'],
  };
  it.each(Object.entries(cases))('%s', async (_, [config, code]) => {
    const meeting = await meet(config);
    const { fake, outcome, trained } = meeting;
    expect(await outcome).toMatchObject({ ended: 'refused-here', code });
    expect(fake.heard).toEqual(['hello', 'prove', 'sync']);
    expect(trained).toEqual([]);
  });

  it('another one than it consented to', async () => {
    const meeting = await meet();
    await meeting.fake.hears('consent');
    meeting.fake.push('run-config', meeting.fake.sign('run-config', { ...meeting.fake.config.body, rounds: 99 }));
    expect(await meeting.outcome).toMatchObject({ ended: 'refused-here', code: 'CONFIG_CHANGED' });
  });
});

describe('a plan', () => {
  it('that starts from a model which nobody announced', async () => {
    const meeting = await meet();
    await meeting.fake.hears('consent');
    meeting.fake.push('plan', meeting.fake.plan({ model: 'cd'.repeat(32) as Digest }));
    expect(await meeting.outcome).toMatchObject({ ended: 'refused-here', code: 'PLAN_MODEL_UNKNOWN' });
    expect(meeting.trained).toEqual([]);
    expect(meeting.fake.heard).not.toContain('blob.read');
  });

  it('for a round that was answered, with another round key', async () => {
    const meeting = await meet();
    await meeting.fake.hears('consent');
    meeting.fake.push('plan', meeting.fake.plan());
    await meeting.fake.hears('update.commit');
    meeting.fake.push('plan', meeting.fake.plan());
    expect(await finish(meeting)).toMatchObject({ ended: 'aborted' });
    expect(meeting.trained).toEqual([1]);
    expect(sent(meeting)).toEqual(['update.offer', 'update.chunk', 'update.commit']);
  });

  it('of another configuration, or without this hospital, is not for it', async () => {
    const meeting = await meet();
    await meeting.fake.hears('consent');
    meeting.fake.push('plan', meeting.fake.plan({ configDigest: 'ab'.repeat(32) as Digest }));
    meeting.fake.push('plan', meeting.fake.plan({ cohort: ['b' as never] }));
    expect(await finish(meeting)).toMatchObject({ ended: 'aborted' });
    expect(meeting.trained).toEqual([]);
  });

  /** Points whose order divides 8, and 2^255 - 18, which is the point 1 spelled otherwise: RFC 7748 section 6.1. */
  it.each([
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    `ec${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ])('with the low-order round key %s gets no update', async (roundKey) => {
    const meeting = await meet();
    await meeting.fake.hears('consent');
    meeting.fake.push('plan', meeting.fake.plan({ roundKey }));
    expect(await meeting.outcome).toMatchObject({ ended: 'refused-here', code: 'PLAN_KEY_UNSAFE' });
    expect(meeting.trained).toEqual([]);
    expect(sent(meeting)).toEqual([]);
  });
});

describe('a model', () => {
  const model = new Float32Array(15).fill(0.5);
  const other = new Float32Array(15).fill(0.75);
  const cases: Record<string, FakeAnswer> = {
    'other bytes': () => ({ ok: true, bytes: Buffer.from(bytesOf(other)), sizeBytes: 60 }),
    'fewer bytes': () => ({ ok: true, bytes: Buffer.from(bytesOf(model)).subarray(4), sizeBytes: 56 }),
    'more bytes': () => ({ ok: true, bytes: Buffer.alloc(61), sizeBytes: 61 }),
    'no bytes at all': () => ({ ok: true, bytes: Buffer.alloc(0), sizeBytes: 60 }),
  };
  it.each(Object.entries(cases))('%s than were announced', async (_, read) => {
    const meeting = await meet({}, { 'blob.read': read });
    await meeting.fake.hears('consent');
    meeting.fake.push('aggregate', meeting.fake.aggregate(meeting.fake.plan(), bytesOf(model)));
    expect(await meeting.outcome).toMatchObject({ ended: 'refused-here', code: 'COORDINATOR_MISBEHAVED' });
    expect(meeting.fake.heard).not.toContain('evaluation');
  });
});

describe('answers of the wrong form', () => {
  const wrong: Record<string, unknown> = {
    'an empty object': {},
    text: 'ok',
    null: null,
    'a refusal with an unknown code': { ok: false, code: 'SEND_ALL_IMAGES', message: '' },
    'an extra field': { ok: true, run: 'rm -rf' },
    'a huge text': { ok: false, code: 'INTERNAL', message: 'x'.repeat(100_000) },
  };
  it.each(Object.entries(wrong))('to a consent: %s', async (_, answer) => {
    const meeting = await meet({}, { consent: () => answer });
    expect(await meeting.outcome).toMatchObject({ ended: 'refused-here', code: 'COORDINATOR_MISBEHAVED' });
    expect(meeting.trained).toEqual([]);
  });

  it('to hello: nothing is proved, and a later sound answer is taken', async () => {
    let times = 0;
    const welcome: FakeAnswer = (hello) => {
      times += 1;
      return times === 1 ? { ok: true, challenge: 'x' } : meeting.fake.welcome(hello);
    };
    const meeting = await meet({}, { hello: welcome });
    await meeting.fake.hears('consent');
    expect(meeting.fake.heard).toEqual(['hello', 'hello', 'prove', 'sync', 'consent']);
    await finish(meeting);
  });

  it('to an offer: more received than there is', async () => {
    const meeting = await meet({}, { 'update.offer': () => ({ ok: true, receivedBytes: Number.MAX_SAFE_INTEGER }) });
    await meeting.fake.hears('consent');
    meeting.fake.push('plan', meeting.fake.plan());
    await meeting.fake.hears('update.commit');
    expect(await finish(meeting)).toMatchObject({ ended: 'aborted' });
    expect(sent(meeting)).toEqual(['update.offer', 'update.commit']);
  });
});

describe('a pushed statement', () => {
  it('that is malformed, or not signed by the pinned key, is as if never said', async () => {
    const meeting = await meet();
    const { fake } = meeting;
    await fake.hears('consent');
    const stranger = await FakeCoordinator.open(generateIdentity(), fake.config.body);
    closing.push(() => stranger.close());
    fake.push('plan', stranger.plan({ configDigest: fake.config.digest }));
    fake.push('run-end', stranger.sign('run-end', endOf(fake).body));
    const plan = fake.plan().envelope;
    const [{ keyid, sig }] = plan.signatures;
    fake.push('plan', {
      envelope: { ...plan, signatures: [{ keyid, sig: sig.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }] },
    });
    // Signed, but as another statement.
    fake.push('run-end', fake.plan());
    fake.push('plan', fake.config);
    fake.push('no-such-name', fake.plan());
    for (const raw of [undefined, null, 1, 'x', [], {}, { name: 'plan' }, { name: 'plan', envelope: {} }])
      fake.pushRaw(raw);
    fake.pushRaw();
    fake.pushRaw({ name: 'plan', envelope: plan }, { name: 'plan', envelope: plan });
    await fake.hears('update.commit');
    expect(await finish(meeting)).toMatchObject({ ended: 'aborted' });
    // The last of them was a good plan with a second argument, which is nothing to anyone.
    expect(meeting.trained).toEqual([1]);
  });

  it('of deeply nested JSON ends nothing', async () => {
    const meeting = await meet();
    const { fake } = meeting;
    await fake.hears('consent');
    const payload = toBase64(utf8('['.repeat(95_000) + ']'.repeat(95_000)));
    fake.push('plan', { envelope: { ...fake.plan().envelope, payload } });
    expect(await finish(meeting)).toMatchObject({ ended: 'aborted' });
  });

  it('the end of another run, played back, does not end this one', async () => {
    const meeting = await meet();
    const { fake } = meeting;
    await fake.hears('consent');
    fake.push('run-end', endOf(fake, { runId: 'earlier-run' as never, configDigest: 'ab'.repeat(32) as Digest }));
    fake.push('plan', fake.plan());
    await Promise.race([fake.hears('update.commit'), meeting.outcome]);
    expect(sent(meeting)).toContain('update.commit');
    await finish(meeting);
  });

  it('the aggregate of another run, played back, is no model of this one', async () => {
    const meeting = await meet();
    const { fake } = meeting;
    await fake.hears('consent');
    const earlier = {
      ...fake.aggregate(fake.plan(), new Uint8Array(60)).body,
      runId: 'earlier-run' as never,
      round: 9,
    };
    fake.push('aggregate', fake.sign('aggregate', earlier));
    fake.push('plan', fake.plan());
    await Promise.race([fake.hears('update.commit'), meeting.outcome]);
    expect(sent(meeting)).toContain('update.commit');
    await finish(meeting);
  });
});
