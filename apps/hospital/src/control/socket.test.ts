/**
 * Claims: the door opens for this user alone; one node holds a home, and what a killed one left is no obstacle; a word that is
 * no command gets no answer; closing answers first and then ends the lines of those who wait; a home with a long path has a
 * door as well. Oracle: the file system, and a client written here.
 */
import { once } from 'node:events';
import { link, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dial, listenForCommands, tell, type Command } from './socket.js';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-door-'));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

const answer = (command: Command): object => ({ did: command });

it('opens for this user alone, and answers', async () => {
  const close = await listenForCommands(home, answer);
  expect((await stat(join(home, 'node.sock'))).mode & 0o777).toBe(0o600);
  const line = await dial(home);
  expect(line && (await tell(line, 'status', 1_000))).toEqual({ did: 'status' });
  line?.destroy();
  await close();
  expect(await dial(home)).toBeUndefined();
});

it('is one for a home', async () => {
  const close = await listenForCommands(home, answer);
  await expect(listenForCommands(home, answer)).rejects.toThrow('is running');
  await close();
  await (
    await listenForCommands(home, answer)
  )();
});

it('takes over what a killed process left', async () => {
  const left = createServer().listen(join(home, 'left.sock'));
  await once(left, 'listening');
  // A socket file that nobody listens on: linked, and its server gone.
  await link(join(home, 'left.sock'), join(home, 'node.sock'));
  await new Promise((resolve) => left.close(resolve));
  expect(await readdir(home)).toContain('node.sock');
  const close = await listenForCommands(home, answer);
  expect(await dial(home)).toBeDefined();
  await close();
});

it('takes what a person asks of the coordinator, and no request that is the node’s own', async () => {
  const close = await listenForCommands(home, answer);
  const verify = { ask: 'verify', request: { statement: {} } } as const;
  const line = await dial(home);
  expect(line && (await tell(line, verify, 1_000))).toEqual({ did: verify });
  for (const ask of ['rotate', 'update.offer', 'unmask']) {
    const other = await dial(home);
    expect(other && (await tell(other, { ask, request: {} }, 1_000))).toBeUndefined();
  }
  line?.destroy();
  await close();
});

it('gives no answer to what is no command, or never ends', async () => {
  const close = await listenForCommands(home, answer);
  for (const text of ['reboot\n', '{}\n', 'x'.repeat(20_000)]) {
    const line = await dial(home);
    line?.write(text);
    line?.resume();
    if (line !== undefined) await once(line, 'close');
  }
  await close();
});

it('ends the lines of those who wait for its end', async () => {
  const close = await listenForCommands(home, answer);
  const line = await dial(home);
  if (line === undefined) throw new Error('no line');
  expect(await tell(line, 'stop', 1_000)).toEqual({ did: 'stop' });
  const closed = once(line, 'close');
  await close();
  await closed;
});

it('has a door for a home whose path is too long for a socket', async () => {
  const long = join(home, 'x'.repeat(120));
  await mkdir(long);
  const close = await listenForCommands(long, answer);
  expect(await readdir(long)).toEqual([]);
  const line = await dial(long);
  expect(line && (await tell(line, 'status', 1_000))).toEqual({ did: 'status' });
  line?.destroy();
  await close();
});
