/**
 * Claims: only the page of a session gets the live channel: with its cookie, from this origin; it hears that something
 * changed and nothing private; whoever speaks is cut; it is cut with its session; and hospitals connect as before.
 * Oracle: the real socket.io client.
 */
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHANGED_EVENT, changedMessage, LIVE_NAMESPACE, type ChangedMessage } from '@consilium/operator-api';
import { openDeskOfOperators, type TestDesk } from './test-desk.js';

const PASSWORD = 'correct horse battery';
let desk: TestDesk;
const open: Socket[] = [];
beforeAll(async () => {
  desk = await openDeskOfOperators();
  await desk.setUp('olga', PASSWORD);
  await desk.invite('vera', 'viewer', PASSWORD);
});
afterAll(async () => {
  for (const socket of open) socket.close();
  await desk.close();
});

function connect(namespace: string, headers: Record<string, string>): Socket {
  const socket = io(`${desk.url}${namespace}`, {
    ...{ transports: ['websocket'], forceNew: true, reconnection: false, extraHeaders: headers },
  });
  open.push(socket);
  return socket;
}

const outcome = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('connect', () => {
      resolve('connected');
    });
    socket.once('connect_error', ({ message }) => {
      resolve(message);
    });
  });

const gone = (socket: Socket): Promise<string> => new Promise((resolve) => socket.once('disconnect', resolve));

const cookieOf = async (name: string): Promise<string> => (await desk.browser(name, PASSWORD)).cookie;

describe('the live channel', () => {
  it.each([
    ['no cookie', async () => Promise.resolve({ origin: desk.url })],
    [
      'a wrong cookie',
      async () => Promise.resolve({ origin: desk.url, cookie: `consilium_session=${'A'.repeat(43)}` }),
    ],
    ['another origin', async () => ({ origin: 'https://evil.example', cookie: await cookieOf('olga') })],
    ['no origin', async () => ({ cookie: await cookieOf('olga') })],
    ['a bearer token', async () => Promise.resolve({ origin: desk.url, authorization: `Bearer ${desk.homeToken}` })],
  ])('is closed to %s', async (_, headers) => {
    expect(await outcome(connect(LIVE_NAMESPACE, await headers()))).toBe('UNAUTHORIZED');
  });

  it('says what changed, and no more, to a viewer as well', async () => {
    const socket = connect(LIVE_NAMESPACE, { origin: desk.url, cookie: await cookieOf('vera') });
    const heard: ChangedMessage[] = [];
    const first = new Promise<void>((resolve) => {
      socket.on(CHANGED_EVENT, (message) => {
        heard.push(changedMessage.parse(message));
        if (heard.some(({ topic }) => topic === 'operators')) resolve();
      });
    });
    expect(await outcome(socket)).toBe('connected');
    for (const name of ['one', 'two', 'three'])
      await desk.asHome('POST', '/api/v1/operators', { name, role: 'viewer' });
    await first;
    expect(heard.map(({ topic }) => topic)).toContain('activity');
    expect(JSON.stringify(heard)).not.toMatch(/one|two|three/);
  });

  it('takes no word', async () => {
    const socket = connect(LIVE_NAMESPACE, { origin: desk.url, cookie: await cookieOf('vera') });
    expect(await outcome(socket)).toBe('connected');
    const end = gone(socket);
    socket.emit('sync', {});
    expect(await end).toBe('io server disconnect');
  });

  it('is cut with its session', async () => {
    const browser = await desk.browser('vera', PASSWORD);
    const socket = connect(LIVE_NAMESPACE, { origin: desk.url, cookie: browser.cookie });
    expect(await outcome(socket)).toBe('connected');
    const end = gone(socket);
    expect((await browser.ask('DELETE', '/api/v1/session')).status).toBe(204);
    // Sessions that nobody ended are looked for every half minute: this one is cut before.
    const late = new Promise((resolve) => setTimeout(resolve, 15_000, 'not cut at once').unref());
    expect(await Promise.race([end, late])).toBe('io server disconnect');
  });

  it('leaves the hospitals their own door', async () => {
    const socket = connect('', {});
    expect(await outcome(socket)).toBe('connected');
    const answer: unknown = await socket.emitWithAck('sync', {});
    expect(answer).toMatchObject({ ok: false, code: 'NOT_AUTHENTICATED' });
  });
});
