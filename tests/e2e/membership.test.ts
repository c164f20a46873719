/**
 * Claims, with the programs as people start them: (1) while a node runs, `membership`, `verify` and `revoke` go over its line,
 * and what would change its keys asks for a stop; a run whose roster nobody here has compared is waited out, and goes on when it
 * is; a revocation ends the node, and it does not come back; (2) `status` and `doctor` say how the hospital stands; (3) what
 * operators do by commands is in their activity, whether a daemon serves or not; (4) `join` over TLS takes the pinned key under a
 * given authority and no other, writes both into hospital.yaml, and waits for its approval.
 * Oracle: the coordinator's own view, exit status and codes written here.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { pinOf } from '@consilium/hospital';
import { untrainedBackbone } from '@consilium/backbone';
import { PREPROCESSING_VERSION } from '@consilium/imaging';
import { connectProxy, testAuthority, tlsTerminator } from '../faults/networks.js';
import { runProgram, startProgram, type Ending, type RunningProgram } from '../support/programs.js';
import { film } from '../support/xray-folder.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let folder: string;
let office: RunningProgram;
let url: string;
const closing: (() => unknown)[] = [];
const path = (...parts: string[]): string => join(folder, ...parts);
const run = (program: 'coordinator' | 'hospital', ...args: string[]): Promise<Ending> =>
  runProgram(program, args, folder);
const coordinator = (...args: string[]) => run('coordinator', ...args, '--home', 'office', '--format', 'json');
const hospital = (home: string, ...args: string[]) => run('hospital', ...args, '--home', home, '--format', 'json');
const valueOf = ({ stdout, stderr }: Ending): Record<string, unknown> => {
  expect(stderr).toBe('');
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
};
const codeOf = ({ stderr }: Ending): string => stderr.split(':')[0] ?? '';
const COMPARED = ['--compared-by', 'Ito', '--how', 'phone'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-membership-'));
  await coordinator('init');
  // Nobody serves yet: the commands work in the folder.
  await coordinator('invite', 'north', '--address', 'http://127.0.0.1:9');
  const { id } = valueOf(await coordinator('invitations', 'list'));
  await coordinator('invitations', 'cancel', String(id));
  office = startProgram('coordinator', ['serve', '--home', 'office', '--port', '0', '--format', 'json'], folder);
  office.ended.catch(() => undefined);
  url = /"url":"([^"]+)"/.exec(await office.printed(/"event":"listening","url":"[^"]+"/))?.[1] ?? '';
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  office.child.kill();
  await office.ended;
  await rm(folder, { recursive: true });
});

it('the membership is spoken of over the line of a node that runs', async () => {
  await coordinator('invite', 'north', '--out', 'north.json');
  expect(valueOf(await hospital('north', 'join', 'north.json'))).toMatchObject({
    state: 'provisional',
    compared: 'no',
  });
  await mkdir(path('north', 'images'));
  for (const label of ['normal', 'covid'] as const)
    await writeFile(path('north', 'images', `${label}.jpg`), await film(label, label));
  await writeFile(path('north', 'images', 'manifest.csv'), 'image,label\nnormal.jpg,normal\ncovid.jpg,covid\n');
  const yaml = await readFile(path('north', 'hospital.yaml'), 'utf8');
  await writeFile(path('north', 'hospital.yaml'), `${yaml}modes: [sealed]\n`);
  await coordinator('approve', 'north', ...COMPARED);
  const doctor = async () => {
    const { findings } = JSON.parse((await hospital('north', 'doctor')).stdout) as {
      findings: { check: string; status: string }[];
    };
    return findings.find(({ check }) => check === 'roster')?.status;
  };
  expect(await doctor()).toBe('warn');

  const file = {
    ...{ run: 'one', study: { name: 'Study', labels: ['normal', 'covid'] }, mode: 'sealed', head: { kind: 'linear' } },
    ...{ backbone: (await untrainedBackbone()).hash, preprocessing: PREPROCESSING_VERSION, rounds: 1, minHospitals: 1 },
    ...{ gatherTimeoutSeconds: 200 },
  };
  await writeFile(path('run.yaml'), JSON.stringify(file));
  await coordinator('run', 'start', 'run.yaml');
  const node = startProgram('hospital', ['start', '--home', 'north', '--format', 'json', '--stay'], folder);
  node.ended.catch(() => undefined);
  closing.push(() => node.child.kill('SIGKILL'));
  await node.printed(/"stage":"awaiting-roster"/);
  const status = async () => valueOf(await hospital('north', 'status'))['membership'];
  expect(await status()).toMatchObject({ state: 'provisional', compared: 'no', strangers: ['north'] });

  // A second session would have ended the node's.
  expect(valueOf(await hospital('north', 'membership'))).toMatchObject({ state: 'active', compared: 'no' });
  for (const command of ['rotate-key', 'join']) {
    const refused = await hospital('north', command, ...(command === 'join' ? ['north.json'] : []));
    expect([refused.status, codeOf(refused)], command).toEqual([2, 'ALREADY_RUNNING']);
    expect(refused.stderr).toContain('consilium-hospital stop');
  }
  expect(codeOf(await hospital('north', 'verify', ...COMPARED, '--words', 'other words'))).toBe('WORDS_DIFFER');
  expect(valueOf(await hospital('north', 'verify', ...COMPARED))).toMatchObject({ compared: 'yes', strangers: [] });
  // The run goes on by itself.
  await node.printed(/"event":"finished"/);
  expect(await status()).toMatchObject({ state: 'active', compared: 'yes' });
  expect(await doctor()).toBe('ok');
  expect(valueOf(await coordinator('hospitals', 'show', 'north'))).toMatchObject({
    verified: { comparedBy: 'Ito', isCurrent: true },
  });

  // Who comes later is not known here.
  await coordinator('invite', 'late', '--out', 'late.json');
  await hospital('late', 'join', 'late.json');
  expect(valueOf(await hospital('north', 'membership'))).toMatchObject({
    compared: 'before the roster changed',
    strangers: ['late'],
  });

  const revoked = await hospital('north', 'revoke', '--yes');
  expect([revoked.status, revoked.stderr]).toEqual([0, '']);
  expect(valueOf(await coordinator('hospitals', 'show', 'north'))).toMatchObject({ state: 'revoked' });
  expect(await node.ended).toMatchObject({ status: 6, stderr: expect.stringMatching(/HOSPITAL_REVOKED/) as string });
  const again = await run('hospital', 'start', '--home', 'north');
  expect([again.status, /HOSPITAL_REVOKED/.test(again.stderr)]).toEqual([6, true]);
});

it('what operators do by commands is in their activity, served or not', async () => {
  const text = await readFile(path('office', 'operators', 'activity.jsonl'), 'utf8');
  const deeds = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { action: string; by: { kind: string }; at: string; hospital: string | null });
  expect(deeds.slice(0, 2).map(({ action }) => action)).toEqual(['hospital.invite', 'invitation.withdraw']);
  expect(deeds.map(({ action, hospital: of }) => `${action} ${String(of)}`)).toContain('hospital.approve north');
  for (const { by, at } of deeds) expect([by.kind, Number.isNaN(Date.parse(at))]).toEqual(['home', false]);
});

it('joins over TLS by the pinned key under the given authority, and by no other', async () => {
  const server = readFileSync(join(import.meta.dirname, '..', 'faults', 'certificates', 'server.pem'), 'utf8');
  const pin = pinOf(Buffer.from(server.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));
  const tls = await tlsTerminator(url);
  closing.push(() => tls.close());
  const proxy = await connectProxy(tls.port, 'ward:s3cret');
  closing.push(() => proxy.close());
  await writeFile(path('ca.pem'), testAuthority());
  const address = `https://coordinator.test:${tls.port}`;
  await coordinator('invite', 'pinned', '--address', address, '--tls-pin', pin, '--out', 'pinned.json');
  await coordinator(
    'invite',
    'other',
    '--address',
    address,
    '--tls-pin',
    `sha256/${'A'.repeat(43)}=`,
    '--out',
    'other.json',
  );
  vi.stubEnv('HTTPS_PROXY', `http://ward:s3cret@127.0.0.1:${proxy.port}`);
  try {
    const untrusted = await hospital('pinned', 'join', 'pinned.json');
    expect([untrusted.status, untrusted.stderr]).toEqual([6, expect.stringContaining('CERTIFICATE_UNTRUSTED')]);
    const wrong = await hospital('other', 'join', 'other.json', '--ca', 'ca.pem');
    expect([wrong.status, wrong.stderr]).toEqual([6, expect.stringContaining('PIN_MISMATCH')]);
    expect(codeOf(await hospital('pinned', 'join', 'pinned.json', '--ca', 'none.pem'))).toBe('FILE_MISSING');
    const waiting = startProgram(
      'hospital',
      ['join', 'pinned.json', '--home', 'pinned', '--ca', 'ca.pem', '--wait'],
      folder,
    );
    await waiting.printed(/provisional: /);
    const yaml = await readFile(path('pinned', 'hospital.yaml'), 'utf8');
    expect(yaml).toContain(`coordinator: ${address}`);
    expect(yaml).toContain(pin);
    expect(yaml).toContain(`caFile: ${path('ca.pem')}`);
    await coordinator('approve', 'pinned', ...COMPARED);
    expect(await waiting.ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/^active$/m) as string });
    expect(waiting).toBeDefined();
  } finally {
    vi.unstubAllEnvs();
  }
  expect(JSON.stringify(proxy.asked)).not.toContain('s3cret');
});
