/**
 * Claims: `doctor` tells each fault of the way to the coordinator from the others, with its fix and the documented exit status;
 * it measures the skew of the clocks; it proves that what answers holds the pinned key, and says which transport gets through;
 * it names no password, and nothing of the hospital is in what it sends.
 * Oracle: parts made to have exactly one fault; what the proxies saw.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCoordinator, openHome, type RunningCoordinator } from '@consilium/coordinator';
import { hospitalConfig, networkFindings } from '@consilium/hospital';
import { connectProxy, httpOnlyProxy, testAuthority, tlsTerminator } from '../faults/networks.js';
import { joinAll } from '../support/members.js';
import { runProgram } from '../support/programs.js';

let directory: string;
let home: string;
let coordinator: RunningCoordinator;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-doctor-'));
  home = join(directory, 'north');
  const office = await openHome(join(directory, 'office'));
  coordinator = await openCoordinator({
    ...{ home: office, host: '127.0.0.1', port: 0, log: pino({ enabled: false }), progress: () => undefined },
  });
  closing.push(() => coordinator.close());
  await joinAll(office, ['north'], () => home);
  await writeFile(join(directory, 'ca.pem'), testAuthority());
  await writeFile(join(directory, 'labels.csv'), 'file,label\n');
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  await rm(directory, { recursive: true, force: true });
});

async function doctor(config: object, environment: Record<string, string> = {}) {
  const parsed = hospitalConfig({ data: '.', ...config }, directory);
  const findings = await networkFindings({ home, engine: 'auto', config: parsed, environment });
  expect(JSON.stringify(findings)).not.toContain('s3cret');
  for (const finding of findings) expect(finding.status === 'ok' || finding.fix !== '').toBe(true);
  return (check: string) => findings.find((finding) => finding.check === check);
}

const matching = (text: string): string => expect.stringContaining(text) as string;

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('doctor', () => {
  it('ends as what failed first asks for, and says the same in JSON', async () => {
    await writeFile(join(home, 'hospital.yaml'), 'coordinator: https://no-such-name.invalid\ndata: ..\n');
    const { status, stdout, stderr } = await runProgram(
      'hospital',
      ['doctor', '--home', home, '--format', 'json'],
      directory,
    );
    expect({ status, stderr }).toEqual({
      status: 6,
      stderr: 'COORDINATOR_UNREACHABLE: this node is not ready: coordinator\n',
    });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'fail', exitStatus: 6 });
  });

  it('finds the coordinator that is pinned, by the transport that gets through', async () => {
    const direct = await doctor({ coordinator: coordinator.url });
    expect(direct('coordinator')).toMatchObject({
      status: 'ok',
      detail: matching('holds the pinned key, protocol 1, by WebSocket'),
    });
    expect(direct('clock')).toMatchObject({ status: 'ok' });
    const proxy = await httpOnlyProxy(coordinator.url);
    closing.push(() => proxy.close());
    const plain = await doctor({ coordinator: `http://127.0.0.1:${proxy.port}` });
    expect(plain('coordinator')).toMatchObject({ status: 'ok', detail: matching('refuses WebSockets') });
  });

  it('measures the skew of the clocks', async () => {
    const url = await served((_, response) => {
      response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString());
      response.end('{"status":"ok"}');
    });
    const found = await doctor({ coordinator: url });
    expect(found('clock')).toMatchObject({
      status: 'warn',
      detail: expect.stringMatching(/^(3599|3600|3601) s ahead/) as string,
    });
  });

  it('finds a clock too wrong to take part', async () => {
    const url = await served((_, response) => {
      response.setHeader('date', new Date(Date.now() + 3 * 86_400_000).toUTCString());
      response.end('{"status":"ok"}');
    });
    const found = await doctor({ coordinator: url });
    expect(found('clock')).toMatchObject({ status: 'fail', detail: matching('s behind') });
  });

  it('does not take anything for the coordinator', async () => {
    const login = await doctor({ coordinator: await served((_, response) => response.end('<html>Please log in')) });
    expect(login('coordinator')).toMatchObject({ status: 'fail', detail: matching('NOT_A_COORDINATOR') });
    const other = await openCoordinator({
      home: await openHome(join(directory, 'other')),
      ...{ host: '127.0.0.1', port: 0, log: pino({ enabled: false }), progress: () => undefined },
    });
    closing.push(() => other.close());
    const wrong = await doctor({ coordinator: other.url });
    expect(wrong('coordinator')).toMatchObject({ status: 'fail', detail: matching('COORDINATOR_UNKNOWN') });
  });

  it('tells proxy, authority and pin apart', async () => {
    const terminator = await tlsTerminator(coordinator.url);
    const proxy = await connectProxy(terminator.port, 'ward:s3cret');
    closing.push(
      () => proxy.close(),
      () => terminator.close(),
    );
    const https = { coordinator: 'https://coordinator.test:8443', caFile: 'ca.pem' };
    const through = (who: string) => ({ HTTPS_PROXY: `http://${who}127.0.0.1:${proxy.port}` });
    const password = await doctor(https, through('ward:s3cretly-wrong@'));
    expect(password('proxy')).toMatchObject({ status: 'fail', detail: matching('PROXY_WANTS_PASSWORD') });
    const asked = await doctor(https, through('ward:s3cret@'));
    expect(asked('coordinator')).toMatchObject({ status: 'ok' });
    const [pin] = /sha256\/[\w+/]{43}=/.exec(asked('tls')?.detail ?? '') ?? [];
    expect(asked('tls')).toMatchObject({ status: 'warn', fix: matching(`pin: [${String(pin)}]`) });
    const pinned = await doctor({ ...https, pin: [pin] }, through('ward:s3cret@'));
    expect(pinned('tls')).toMatchObject({ status: 'ok', detail: matching('TLSv1.3') });
    const mismatch = await doctor({ ...https, pin: [`sha256/${'A'.repeat(43)}=`] }, through('ward:s3cret@'));
    expect(mismatch('tls')).toMatchObject({ status: 'fail', detail: matching('PIN_MISMATCH') });
    const none = await doctor({ ...https, pin: 'none' }, through('ward:s3cret@'));
    expect(none('tls')).toMatchObject({ status: 'warn', detail: matching('may sit in between') });
    const untrusted = await doctor({ coordinator: https.coordinator }, through('ward:s3cret@'));
    expect(untrusted('tls')).toMatchObject({ status: 'fail', detail: matching('CERTIFICATE_UNTRUSTED') });
    const typo = await doctor(https, { HTTPS_PROXY: 'ward:s3cret@proxy' });
    expect(typo('proxy')).toMatchObject({ status: 'fail', detail: matching('HTTPS_PROXY') });
    const nowhere = await doctor({ coordinator: 'https://no-such-name.invalid' });
    expect(nowhere('coordinator')).toMatchObject({ status: 'fail', detail: matching('NAME_UNKNOWN') });
  });
});
