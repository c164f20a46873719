/**
 * Claims (privacy.md G 29, during a run): a hospital that is revoked within a round by the coordinator's people has no part in
 * that round any more and in no plan after it, whatever it tries: its open session, the update of the current plan, a new
 * session, its old and a new invitation under the same keys, another hospital's invitation, a rotation. One that its own people
 * revoke, by a file that was made long before and with its home gone, keeps the update that was counted and is in no later plan.
 * The others go on in the same session, under the same keys, to the exact head of those who remain.
 * Oracle: a coordinator's process and its commands, FedAvg in float64 written out, a hospital made by hand.
 *
 * Mutations tried by hand, and what failed: `Membership.keyOf` without its HOSPITAL_REVOKED: both tests; `Admission.join` without
 * `state.keys.has(...)`: the first; watch.ts without `desk.expel` for a revocation: both; `Desk.expel` without
 * `caller.expelled = code`: the first.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { canonicalBytes, sha256Hex, toHex, type Json } from '@consilium/bytes';
import { generateIdentity, type Identity } from '@consilium/crypto';
import { openHome } from '@consilium/coordinator';
import { FolderMemory, HospitalNode, openIdentity, pinnedCoordinator, type NodeOutcome } from '@consilium/hospital';
import { parseUnverified, type Envelope } from '@consilium/protocol';
import { BACKBONE, knownLearner, PREPROCESSING } from '../support/federation.js';
import { joinAll } from '../support/members.js';
import { runProgram, startProgram, type RunningProgram } from '../support/programs.js';
import { forge, forgeUpdate, RawHospital, type RawCredentials } from '../support/raw-hospital.js';
import { averaged, knownUpdate, PARAMETERS, type Contribution } from '../support/siege.js';
import { until } from '../support/until.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const EXAMPLES: Readonly<Record<string, number>> = { a: 7, b: 100 };
const ROUNDS = 3;
const MALLORY = { examples: 10, update: new Float32Array(PARAMETERS).fill(0.125) };

let folder: string;
let office: RunningProgram;
let url: string;
const nodes: HospitalNode[] = [];
const outcomes = new Map<string, NodeOutcome>();
/** Each time that an honest hospital's line came up. */
const connected: string[] = [];
let open = 0;

const path = (...parts: string[]): string => join(folder, ...parts);
async function coordinator(...args: string[]): Promise<unknown[]> {
  const ending = await runProgram('coordinator', [...args, '--home', 'office', '--format', 'json'], folder);
  expect(ending.stderr, args.join(' ')).toBe('');
  return ending.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}
const honest = (round: number): Contribution[] =>
  ['a', 'b'].map((name) => ({ examples: EXAMPLES[name] ?? NaN, update: knownUpdate(name, round) }));
const credentialsOf = async (name: string): Promise<RawCredentials> => ({
  ...(await openIdentity(path(name))),
  coordinatorKey: await pinnedCoordinator(path(name)),
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-revoked-'));
  outcomes.clear();
  connected.length = 0;
  open = 0;
  await joinAll(await openHome(path('office')), ['a', 'b', 'mallory'], path);
  office = startProgram('coordinator', ['serve', '--home', 'office', '--port', '0', '--format', 'json'], folder);
  office.ended.catch(() => undefined);
  url = /"url":"([^"]+)"/.exec(await office.printed(/"event":"listening","url":"[^"]+"/))?.[1] ?? '';
  const file = {
    ...{ run: 'revoked', study: { name: 'Study', labels: ['normal', 'pneumonia', 'covid'] }, mode: 'sealed' },
    ...{ head: { kind: 'linear' }, embeddingLength: 4, backbone: BACKBONE, preprocessing: PREPROCESSING },
    ...{
      rounds: ROUNDS,
      minHospitals: 2,
      roundTimeoutSeconds: 200,
      gatherTimeoutSeconds: 200,
      absenceGraceSeconds: 0.05,
    },
  };
  await writeFile(path('run.yaml'), JSON.stringify(file));
  await coordinator('run', 'start', 'run.yaml');
});
afterEach(async () => {
  for (const node of nodes.splice(0)) node.close();
  office.child.kill();
  await office.ended;
  await rm(folder, { recursive: true });
});

/** Honest hospitals, that hold each round's update back until it is let go. */
async function startHonest(): Promise<void> {
  for (const [name, examples] of Object.entries(EXAMPLES)) {
    const node = new HospitalNode({
      ...(await credentialsOf(name)),
      ...{ url, memory: new FolderMemory(path(name)), modes: ['sealed'] },
      learner: knownLearner(examples, async (round) => {
        await until(() => open >= round);
        return knownUpdate(name, round);
      }),
      progress: (step) => {
        if (step.event === 'line' && step.state === 'connected') connected.push(name);
      },
    });
    nodes.push(node);
    void node.run().then((outcome) => outcomes.set(name, outcome));
  }
}

interface Shown {
  readonly state: string;
  readonly words: string;
  readonly refusals: readonly { readonly code: string }[];
}
const show = async (hospital: string) => (await coordinator('hospitals', 'show', hospital))[0] as Shown;

/** The others finish, as if there had been no other after that round. */
async function expectUnharmed(rounds: readonly (readonly Contribution[])[], before: readonly Shown[]): Promise<void> {
  open = ROUNDS;
  await until(() => outcomes.size === 2);
  for (const outcome of outcomes.values()) {
    if (outcome.ended !== 'finished') throw new Error(`an honest hospital ended as ${outcome.ended}`);
    expect(outcome.model).toEqual(averaged(rounds));
  }
  expect(connected.sort()).toEqual(['a', 'b']);
  const [run] = (await coordinator('run', 'show', 'revoked')) as { history: { updates: { hospital: string }[] }[] }[];
  const counted = run?.history.map(({ updates }) => updates.map(({ hospital }) => hospital));
  expect(counted).toEqual(rounds.map((round) => ['a', 'b', 'mallory'].slice(0, round.length)));
  const after = await Promise.all(['a', 'b'].map(show));
  expect(after.map(({ state, words }) => [state, words])).toEqual(before.map(({ state, words }) => [state, words]));
}

const signed = (name: string, body: Json, signer: Identity): Envelope => forge(name, canonicalBytes(body), 'x', signer);

/** With a whole and honest proof of both keys. */
async function joins(hospital: string, token: string, identity: Identity, coordinatorKey: string): Promise<unknown> {
  const witness = generateIdentity();
  const raw = await RawHospital.connect(url);
  const hello = await raw.hello(hospital);
  const { clientNonce, serverNonce } = parseUnverified('challenge', hello['challenge'] as Envelope).body;
  const keys = { identityKey: toHex(identity.publicKey), witnessKey: toHex(witness.publicKey) };
  const tokenHash = sha256Hex(Buffer.from(token, 'hex'));
  const body = { v: 1, hospitalId: hospital, role: 'hospital', tokenHash, ...keys, coordinatorKey, address: url };
  const answer = await raw.ask('join', {
    token,
    statement: signed('join', { ...body, clientNonce, serverNonce }, identity),
    witness: signed('witness-proof', { v: 1, hospitalId: hospital, ...keys, serverNonce }, witness),
  });
  raw.leave();
  return answer.ok ? 'JOINED' : answer.code;
}

async function invited(hospital: string): Promise<string> {
  const out = `${hospital}-${Date.now()}.json`;
  await coordinator('invite', hospital, '--out', out);
  return parseUnverified('invitation', JSON.parse(await readFile(path(out), 'utf8'))).body.token;
}

it('a hospital that is revoked within a round is out of it, and does not come back by any way', async () => {
  const credentials = await credentialsOf('mallory');
  const { identity } = credentials;
  const mallory = await RawHospital.join(url, credentials);
  await startHonest();
  const plan = await mallory.plan(1);
  const before = await Promise.all(['a', 'b'].map(show));
  // Half-way through its update.
  const update = forgeUpdate(credentials, plan, MALLORY.update);
  expect((await mallory.ask('update.offer', { statement: update.statement })).ok).toBe(true);
  // Over the API, so that the session is asked at once, and not when its line is cut in any case.
  const bearer = (await readFile(path('office', 'api-token'), 'utf8')).trim();
  const revoked = await fetch(`${url}/api/v1/hospitals/mallory/revoke`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'left the consortium' }),
  });
  expect(revoked.status).toBe(200);

  const gone = ['HOSPITAL_REVOKED', 'CUT'];
  const { runId, digest, blob } = update;
  expect(gone).toContain(
    (await mallory.ask('update.chunk', { runId, digest, offset: 0, bytes: Buffer.from(blob) })).code,
  );
  for (const [name, request] of Object.entries({
    'update.commit': { runId, digest },
    sync: {},
    membership: {},
    'blob.read': { runId, digest: plan.body.model, offset: 0, length: 4 },
  })) {
    expect(gone, name).toContain((await mallory.ask(name, request)).code);
  }
  const next = generateIdentity();
  const coordinatorKey = toHex(credentials.coordinatorKey);
  const turn = {
    ...{ v: 1, hospitalId: 'mallory', coordinatorKey, at: new Date().toISOString() },
    ...{ oldKey: toHex(identity.publicKey), newKey: toHex(next.publicKey) },
  };
  const rotation = { old: signed('rotation', turn, identity), new: signed('rotation', turn, next) };
  expect(gone).toContain((await mallory.ask('rotate', rotation)).code);
  await until(() => mallory.isCut);

  // A session that was opened before, and proves itself now, is a new one.
  for (const key of [identity, next]) {
    const again = await RawHospital.connect(url);
    const { answer } = await again.answerTo({ ...credentials, identity: key });
    expect((await again.ask('prove', { answer })).code).toBe('HOSPITAL_REVOKED');
    expect(await again.send(update)).toBe('NOT_AUTHENTICATED');
    again.leave();
  }
  const anew = await invited('mallory');
  expect(await joins('mallory', anew, identity, coordinatorKey)).toBe('KEY_IN_USE');
  expect(await joins('other', await invited('other'), identity, coordinatorKey)).toBe('KEY_IN_USE');
  expect(await joins('other', anew, next, coordinatorKey)).toBe('INVITATION_ROLE');
  expect((await show('mallory')).state).toBe('revoked');
  const told = (await show('mallory')).refusals.map(({ code }) => code);
  expect(told).toEqual(expect.arrayContaining(['HOSPITAL_REVOKED', 'KEY_IN_USE']));
  await expectUnharmed([1, 2, 3].map(honest), before);
  // It may belong again, by a new key, and is then provisional: no run of before has it.
  expect(await joins('mallory', anew, next, coordinatorKey)).toBe('JOINED');
  expect((await show('mallory')).state).toBe('provisional');
});

it('a revocation that was kept offline ends the membership from the next plan on, with the keys gone', async () => {
  const made = await runProgram('hospital', ['revocation', 'make', '--home', 'mallory', '--out', 'kept.json'], folder);
  expect(made.status).toBe(0);
  const credentials = await credentialsOf('mallory');
  const mallory = await RawHospital.join(url, credentials);
  await startHonest();
  const first = await mallory.plan(1);
  expect(await mallory.send(forgeUpdate(credentials, first, MALLORY.update))).toBe('OK');
  const before = await Promise.all(['a', 'b'].map(show));
  // Stolen: whoever has the keys takes part, and its own people have this file alone.
  await rm(path('mallory'), { recursive: true });
  await coordinator('revoke', '--file', 'kept.json');
  await until(() => mallory.isCut);
  const again = await RawHospital.connect(url);
  const { answer } = await again.answerTo(credentials);
  expect((await again.ask('prove', { answer })).code).toBe('HOSPITAL_REVOKED');
  again.leave();
  expect(await show('mallory')).toMatchObject({ state: 'revoked', revoked: { by: 'hospital' } });
  // What was counted before it stays counted; the next plan is made without it.
  await expectUnharmed([[...honest(1), MALLORY], honest(2), honest(3)], before);
  expect(mallory.pushed.filter(({ name }) => name === 'plan')).toHaveLength(1);
});
