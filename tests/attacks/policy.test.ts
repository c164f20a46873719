/**
 * Claims: the hospital's own say holds against a coordinator that holds the pinned key. (1) What the policy refuses is
 * refused before any work, by a signed statement that holds the rule and nothing local; (2) without a person's approval of
 * this very configuration nothing is promised, and an approval of another one, or one that is not this hospital's own, does
 * nothing; (3) a declined plan stays declined; (4) a policy that breaks or vanishes during a run allows nothing; (5) a stop
 * ends a training and leaves no update behind.
 * Oracle: the requests that the fake coordinator heard, and how often the learner was asked to train.
 */
import { appendFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openHome } from '@consilium/coordinator';
import { generateIdentity, verifyStrict } from '@consilium/crypto';
import {
  Approvals,
  DEFAULT_POLICY,
  FolderMemory,
  HospitalNode,
  HouseRules,
  openIdentity,
  pinnedCoordinator,
  type Learner,
  type NodeOutcome,
} from '@consilium/hospital';
import { openStatement, parseUnverified, type Envelope, type RunConfig, type StatementName } from '@consilium/protocol';
import { FakeCoordinator } from '../support/fake-coordinator.js';
import { convene, knownLearner } from '../support/federation.js';
import { RawHospital } from '../support/raw-hospital.js';
import { until } from '../support/until.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const CANARY = 'kowalczyk';
/** What a consortium of today can meet. */
const OPEN = policyWith({ trustModes: '[secagg, sealed]', cohortMin: '2', patientsMin: '0', approval: 'none' });

function policyWith(changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce(
    (text, [key, value]) => text.replace(new RegExp(`^${key}:.*$`, 'm'), `${key}: ${value}`),
    DEFAULT_POLICY,
  );
}

interface Meeting {
  readonly fake: FakeCoordinator;
  readonly home: string;
  readonly node: HospitalNode;
  readonly outcome: Promise<NodeOutcome>;
  readonly trained: number[];
  readonly stages: string[];
  readonly approvals: Approvals;
}

/** Hospital `a`, under its policy, meets the fake. */
async function meet(policy: string, config: Partial<RunConfig> = {}, pupil: Partial<Learner> = {}): Promise<Meeting> {
  const consortium = await convene(['a', 'b']);
  closing.push(() => consortium.dismantle());
  const credentialsOf = async (name: string) => ({
    ...(await openIdentity(consortium.homeOf(name))),
    coordinatorKey: await pinnedCoordinator(consortium.homeOf(name)),
  });
  const raw = await RawHospital.join(consortium.coordinator.url, await credentialsOf('b'));
  const good = parseUnverified('run-config', raw.latest('run-config')).body;
  raw.leave();
  const { identity } = await openHome(join(consortium.directory, 'coordinator'));
  const fake = await FakeCoordinator.open(identity, { ...good, ...config });
  closing.push(() => fake.close());
  // A home whose very name must not be told.
  const home = join(consortium.directory, CANARY);
  await cp(consortium.homeOf('a'), home, { recursive: true });
  await writeFile(join(home, 'policy.yaml'), `# ${CANARY}\n${policy}`, { mode: 0o600 });
  const credentials = await credentialsOf('a');
  const approvals = new Approvals(home, credentials.identity, credentials.coordinatorKey);
  const [trained, stages]: [number[], string[]] = [[], []];
  const learner = knownLearner(5, (round) => {
    trained.push(round);
    return new Float32Array(15).fill(0.25);
  });
  const node = new HospitalNode({
    ...credentials,
    url: fake.url,
    learner: { ...learner, patients: () => 7, ...pupil },
    memory: new FolderMemory(home),
    modes: ['sealed'],
    rules: new HouseRules(home, join(home, 'cache'), approvals, credentials),
    progress: (step) => {
      if (step.event === 'stage') stages.push(step.stage);
    },
  });
  const outcome = node.run();
  outcome.catch(() => undefined);
  closing.push(() => {
    node.close();
    return Promise.resolve();
  });
  return { ...{ fake, home, node, outcome, trained, stages, approvals } };
}

/** The body of the last request of that name, under this hospital's signature. */
async function said<N extends StatementName>({ fake, home }: Meeting, request: string, name: N) {
  const { statement } = fake.received.findLast((one) => one.name === request)?.body as { statement: Envelope };
  const { identity } = await openIdentity(home);
  return openStatement(name, statement, (bytes, signature) => verifyStrict(identity.publicKey, bytes, signature)).body;
}

describe('a configuration that the policy refuses', () => {
  const cases: Record<string, [string, Partial<RunConfig>, string]> = {
    'another study': [OPEN.replace(/^studies:.*$/m, `studies: [${'ab'.repeat(32)}]`), {}, 'STUDY_NOT_ALLOWED'],
    'sealed under the default': [DEFAULT_POLICY, {}, 'TRUST_MODE_NOT_ALLOWED'],
    'one hospital alone': [OPEN, { minHospitals: 1 }, 'COHORT_TOO_SMALL'],
    'a quorum of one': [OPEN, { stragglers: { quorum: 1, afterMs: 1_000 } }, 'COHORT_TOO_SMALL'],
    'a clip bound that bounds nothing': [OPEN, { clipNorm: '1000000' }, 'CLIP_NORM_TOO_LARGE'],
    'no noise': [OPEN.replace('noiseMultiplierMin: 0', 'noiseMultiplierMin: 0.7'), {}, 'NOISE_TOO_SMALL'],
    'no epsilon': [OPEN.replace('epsilonMax: any', 'epsilonMax: 8'), {}, 'EPSILON_TOO_LARGE'],
    'a tensor that is not on the list': [
      OPEN.replace('tensors: head', 'tensors: [output.bias]'),
      {},
      'TENSOR_NOT_ALLOWED',
    ],
    'numbers beyond the head': [OPEN, { parameters: 1_000_000 }, 'TENSOR_NOT_ALLOWED'],
    'a head larger than a round may send': [
      OPEN.replace('sentPerRoundMax: 64 MiB', 'sentPerRoundMax: 1 MiB'),
      { head: { kind: 'linear', inputs: 16_384, classes: 100 }, parameters: 1_638_500 },
      'BYTES_PER_ROUND',
    ],
    'too few patients': [OPEN.replace('patientsMin: 0', 'patientsMin: 8'), {}, 'TOO_FEW_PATIENTS'],
    'a policy that nobody can read': [`${OPEN}cohortMin: 1\n`, {}, 'POLICY_UNREADABLE'],
  };
  it.each(Object.entries(cases))('%s', async (_, [policy, config, rule]) => {
    const meeting = await meet(policy, config);
    expect(await meeting.outcome).toEqual({ ended: 'refused-here', code: 'POLICY', detail: rule });
    expect(meeting.fake.heard).toEqual(['hello', 'prove', 'sync', 'refuse']);
    expect(meeting.trained).toEqual([]);
    const { digest, body } = meeting.fake.config;
    // These five and nothing else: neither the bound nor by how much it was missed.
    expect(await said(meeting, 'refuse', 'refusal')).toEqual({
      ...{ v: 1, runId: body.runId, from: 'a', configDigest: digest, rule },
    });
    expect(JSON.stringify(meeting.fake.received)).not.toContain(CANARY);
  });

  it('is known to a real coordinator by its rule', async () => {
    const consortium = await convene(['a', 'b'], { gatherTimeoutSeconds: 60 });
    closing.push(() => consortium.dismantle());
    const home = consortium.homeOf('a');
    await writeFile(join(home, 'policy.yaml'), DEFAULT_POLICY, { mode: 0o600 });
    const own = await openIdentity(home);
    const approvals = new Approvals(home, own.identity, await pinnedCoordinator(home));
    const rules = new HouseRules(home, join(home, 'cache'), approvals, own);
    const learner = knownLearner(5, () => new Float32Array(15));
    expect(await consortium.join('a', learner, { rules })).toMatchObject({ detail: 'TRUST_MODE_NOT_ALLOWED' });
    expect(consortium.progress).toContainEqual({
      ...{ event: 'refused-by-hospital', run: 'test-run', hospital: 'a', rule: 'TRUST_MODE_NOT_ALLOWED' },
    });
  });
});

describe('approval', () => {
  const ASKS = OPEN.replace('approval: none', 'approval: required');
  const approve = ({ fake, approvals }: Meeting, by = 'Dr. Weiß', decision: 'approved' | 'denied' = 'approved') =>
    approvals.decide(fake.config, { decision, by });

  it('is waited for, connected, without a promise', async () => {
    const meeting = await meet(ASKS);
    await until(() => meeting.stages.includes('awaiting-approval'));
    expect((await meeting.approvals.pending()).map(({ digest }) => digest)).toEqual([meeting.fake.config.digest]);
    meeting.fake.push('plan', meeting.fake.plan());
    await pause(1_200);
    expect(meeting.fake.heard).toEqual(['hello', 'prove', 'sync']);
    await approve(meeting);
    await meeting.fake.hears('update.commit');
    expect(meeting.trained).toEqual([1]);
    expect(await meeting.approvals.pending()).toEqual([]);
  });

  it('of another configuration, by another identity, or altered, does nothing', async () => {
    const meeting = await meet(ASKS);
    await until(() => meeting.stages.includes('awaiting-approval'));
    const { fake, approvals, home } = meeting;
    const other = fake.sign('run-config', { ...fake.config.body, rounds: 99 });
    await approvals.decide(other, { decision: 'approved', by: 'Dr. Weiß' });
    const folder = join(home, 'approvals');
    // The other one's file under this one's name, and a signature by someone else.
    await cp(join(folder, `${other.digest}.json`), join(folder, `${fake.config.digest}.json`));
    await pause(1_200);
    await new Approvals(home, generateIdentity(), fake.identity.publicKey).decide(fake.config, {
      ...{ decision: 'approved', by: 'Mallory' },
    });
    await pause(1_200);
    expect(fake.heard).toEqual(['hello', 'prove', 'sync']);
    await approve(meeting);
    await fake.hears('consent');
  });

  it('by one person, spelled twice, is not that of two', async () => {
    const meeting = await meet(ASKS.replace('approvers: 1', 'approvers: 2'));
    await until(() => meeting.stages.includes('awaiting-approval'));
    await approve(meeting, 'Dr. Weiß');
    await approve(meeting, ' dr.  WEISS'.replace('SS', 'ß'));
    await pause(1_200);
    expect(meeting.fake.heard).not.toContain('consent');
    await approve(meeting, 'IT, Novak');
    await meeting.fake.hears('consent');
  });

  it('may be denied, and the coordinator learns that and no more', async () => {
    const meeting = await meet(ASKS);
    await until(() => meeting.stages.includes('awaiting-approval'));
    await approve(meeting, 'Dr. Weiß', 'denied');
    expect(await meeting.outcome).toMatchObject({ code: 'POLICY', detail: 'NOT_APPROVED' });
    expect(JSON.stringify(await said(meeting, 'refuse', 'refusal'))).not.toContain('Wei');
  });
});

describe('a plan', () => {
  it('outside of the hours is declined by its rule, also when it comes again within them', async () => {
    const now = new Date();
    const clock = (minutes: number): string =>
      [Math.floor(minutes / 60) % 24, minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
    const minute = now.getHours() * 60 + now.getMinutes();
    const never = `["${clock(minute + 300)}-${clock(minute + 301)}"]`;
    const meeting = await meet(OPEN.replace('hours: always', `hours: ${never}`));
    const { fake, home } = meeting;
    await fake.hears('consent');
    const plan = fake.plan();
    fake.push('plan', plan);
    await fake.hears('decline');
    expect(await said(meeting, 'decline', 'decline')).toMatchObject({ reason: 'POLICY', rule: 'OUTSIDE_HOURS' });
    await writeFile(join(home, 'policy.yaml'), OPEN, { mode: 0o600 });
    fake.push('plan', plan);
    await fake.hears('decline', 2);
    expect(meeting.trained).toEqual([]);
    fake.push('plan', fake.plan({ attempt: 2 }));
    await fake.hears('update.commit');
    expect(meeting.trained).toEqual([1]);
  });

  it('is declined while paused, and the next is answered after it', async () => {
    const meeting = await meet(OPEN);
    const { fake, home } = meeting;
    await fake.hears('consent');
    await writeFile(join(home, 'paused'), '');
    fake.push('plan', fake.plan());
    await fake.hears('decline');
    expect(await said(meeting, 'decline', 'decline')).toMatchObject({ reason: 'PAUSED' });
    await rm(join(home, 'paused'));
    fake.push('plan', fake.plan({ attempt: 2 }));
    await fake.hears('update.commit');
    expect(meeting.trained).toEqual([1]);
  });

  it.each([
    ['breaks', (file: string) => appendFile(file, 'cohortMin: 1\n')],
    ['vanishes', (file: string) => rm(file)],
  ])('is declined when the policy %s during the run', async (_, spoil) => {
    const meeting = await meet(OPEN);
    await meeting.fake.hears('consent');
    await spoil(join(meeting.home, 'policy.yaml'));
    meeting.fake.push('plan', meeting.fake.plan());
    await meeting.fake.hears('decline');
    expect(await said(meeting, 'decline', 'decline')).toMatchObject({ rule: 'POLICY_UNREADABLE' });
    expect(meeting.trained).toEqual([]);
  });
});

describe('a stop', () => {
  it('ends a training, sends nothing more and leaves no update', async () => {
    let isTraining = false;
    const update = new Float32Array(15).fill(0.25);
    const meeting = await meet(
      OPEN,
      {},
      {
        // One that looks only when it is done: the stop must not depend on its good will.
        train: async (_config, _model, _round, signal) => {
          isTraining = true;
          await new Promise((resolve) => signal?.addEventListener('abort', resolve));
          return { update, examples: 5, loss: 0.5 };
        },
      },
    );
    await meeting.fake.hears('consent');
    meeting.fake.push('plan', meeting.fake.plan());
    await until(() => isTraining);
    const before = performance.now();
    await meeting.node.stop();
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(await meeting.outcome).toEqual({ ended: 'stopped' });
    expect(update.every((value) => value === 0)).toBe(true);
    expect(meeting.fake.heard.filter((name) => name.startsWith('update.'))).toEqual([]);
    const kept = await readdir(join(meeting.home, 'runs', 'test-run'));
    expect(kept).toEqual(['memory.json']);
  });

  it('erases an update that was not acknowledged', async () => {
    const meeting = await meet(OPEN);
    await meeting.fake.hears('consent');
    await mkdir(join(meeting.home, 'runs', 'test-run'), { recursive: true });
    await writeFile(join(meeting.home, 'runs', 'test-run', 'update.sealed'), 'sealed');
    await writeFile(join(meeting.home, 'runs', 'test-run', 'update.json'), '{}');
    await meeting.node.stop();
    expect(await readdir(join(meeting.home, 'runs', 'test-run'))).toEqual(['memory.json']);
  });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
