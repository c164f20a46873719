/**
 * Claims: a hospital listens on 127.0.0.1 for its page and on nothing else, on nothing at all where the page is off; every
 * connection that it has goes to the coordinator; `start` prints the link to the page, `status` repeats it, the log has it not;
 * by the page it is paused and stopped, and stays stopped. Oracle: the system's tables of sockets, and the home as it is on disk.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCoordinator, openHome, type RunningCoordinator } from '@consilium/coordinator';
import { joinAll } from '../support/members.js';
import { runProgram, startProgram, type RunningProgram } from '../support/programs.js';
import { tcpSocketsOf } from '../support/sockets.js';
import { film } from '../support/xray-folder.js';

let directory: string;
let home: string;
let coordinator: RunningCoordinator;
let node: RunningProgram | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consilium-sockets-'));
  home = join(directory, 'north');
  const office = await openHome(join(directory, 'office'));
  await joinAll(office, ['north'], () => home);
  coordinator = await openCoordinator({
    ...{ home: office, host: '127.0.0.1', port: 0, log: pino({ enabled: false }), progress: () => undefined },
  });
  await writeFile(join(directory, 'one.jpg'), await film('sockets', 'normal'));
  await writeFile(join(directory, 'manifest.csv'), 'image,label\none.jpg,normal\n');
});
afterEach(async () => {
  if (node?.child.exitCode === null) node.child.kill('SIGKILL');
  await node?.ended;
  await coordinator.close();
  await rm(directory, { recursive: true, force: true });
});

async function start(config: object): Promise<RunningProgram> {
  await writeFile(join(home, 'hospital.yaml'), JSON.stringify({ coordinator: coordinator.url, data: '..', ...config }));
  node = startProgram('hospital', ['start', '--home', home, '--format', 'json'], directory);
  node.ended.catch(() => undefined);
  await node.printed(/"connected"/);
  await node.printed(/"event":"data"/);
  return node;
}

const socketsOf = async ({ child }: RunningProgram) => (await tcpSocketsOf(child.pid ?? 0)) ?? [];

describe('a running hospital', () => {
  it('listens on loopback for its page, connects to the coordinator, and does what the page asks', async () => {
    const running = await start({});
    const [, link = ''] =
      /"event":"page","url":"([^"]+)"/.exec(await running.printed(/"event":"page","url":"[^"]+"/)) ?? [];
    const url = new URL(link);
    const sockets = await socketsOf(running);
    expect(sockets.filter(({ state }) => state === 'listening').map(({ local }) => local)).toEqual([url.host]);
    const remotes = new Set(sockets.filter(({ state }) => state === 'connected').map(({ remote }) => remote));
    expect(remotes).toEqual(new Set([new URL(coordinator.url).host]));
    const status = await runProgram('hospital', ['status', '--home', home], directory);
    expect(status.stdout).toContain(`page: ${link}`);
    const key = url.hash.replace('#key=', '');
    expect(await readFile(join(home, 'hospital.log'), 'utf8')).not.toContain(key);

    const { origin } = url;
    const entered = await fetch(`${origin}/session`, {
      method: 'POST',
      headers: { origin },
      body: JSON.stringify({ key }),
    });
    const { ticket } = (await entered.json()) as { ticket: string };
    const cookie = (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const headers = { origin, cookie, 'x-consilium-ticket': ticket };
    const seen = (await (await fetch(`${origin}/sections`, { headers })).json()) as {
      sections: Record<string, string>;
    };
    expect(seen.sections['now']).toContain('connected');
    // Counts, and no names of files.
    expect(seen.sections['images']).toContain('normal 1');
    expect(Object.values(seen.sections).join('')).not.toMatch(/one\.jpg|manifest/);
    expect((await fetch(`${origin}/pause`, { method: 'POST', headers })).status).toBe(200);
    expect(existsSync(join(home, 'paused'))).toBe(true);
    expect((await fetch(`${origin}/resume`, { method: 'POST', headers })).status).toBe(200);
    expect(existsSync(join(home, 'paused'))).toBe(false);
    expect((await fetch(`${origin}/stop`, { method: 'POST', headers })).status).toBe(200);
    expect(await running.ended).toMatchObject({ status: 8 });
    expect(await runProgram('hospital', ['start', '--service', '--home', home], directory)).toMatchObject({
      status: 8,
    });
  });

  it('listens on nothing where the page is off', async () => {
    const running = await start({ page: 'off' });
    const sockets = await socketsOf(running);
    expect(sockets.filter(({ state }) => state === 'listening')).toEqual([]);
    expect(sockets.filter(({ state }) => state === 'connected').length).toBeGreaterThan(0);
  });

  it('goes on without a page whose port is taken', async () => {
    const running = await start({ page: { port: Number(new URL(coordinator.url).port) } });
    expect(await running.printed(/PAGE_PORT_IN_USE/)).toBeTruthy();
  });
});
