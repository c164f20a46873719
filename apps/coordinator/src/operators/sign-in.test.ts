/**
 * Claims: a link is good once, and for its time; wrong passwords make an account wait longer each time, tell nothing about
 * who has one, and never keep out a browser that the account knows, or a link; a session gets a new id at each sign-in,
 * ends when it should and with its account, and outlives a restart; the last owner stays; no password, token or secret is in
 * any file of the home folder or in the log. Oracle: cookies and answers of the real coordinator, the bytes of its files.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lockout } from './lockout.js';
import { Sessions } from './sessions.js';
import { openDeskOfOperators, type Browser, type TestDesk } from './test-desk.js';

const PASSWORD = 'planted-password-staple';
const secrets = new Set<string>([PASSWORD]);

let desk: TestDesk;
let olga: Browser;
beforeAll(async () => {
  desk = await openDeskOfOperators();
});
afterAll(() => desk.close());

const planted = (browser: Browser): void => {
  for (const value of browser.cookies.values()) secrets.add(value);
};

describe('the setup link', () => {
  it('is good once, the newest alone, and not at all when there is an account', async () => {
    const [old, token] = [await desk.setUpToken(), await desk.setUpToken()];
    secrets.add(old).add(token);
    const at = (used: string, name: string) =>
      desk.newBrowser().ask('POST', '/api/v1/session/setup', { token: used, name, password: PASSWORD });
    expect(await at(old, 'eve')).toMatchObject({ status: 401, code: 'LINK_INVALID' });
    expect(await at('A'.repeat(43), 'eve')).toMatchObject({ status: 401, code: 'LINK_INVALID' });
    const both = await Promise.all([at(token, 'olga'), at(token, 'eve')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect(await at(token, 'eve')).toMatchObject({ code: 'LINK_INVALID' });
    expect(await desk.office.setUpUrl()).toBeUndefined();
    const { value } = await desk.asHome('GET', '/api/v1/operators');
    const [{ name = '' } = {}] = value as { name?: string }[];
    expect(value).toMatchObject([{ role: 'owner', state: 'active' }]);
    olga = await desk.browser(name, PASSWORD);
    planted(olga);
  });

  it('is in the fragment of an address, and short passwords are refused without their text', async () => {
    const refused = await desk.newBrowser().ask('POST', '/api/v1/session/setup', {
      ...{ token: 'A'.repeat(43), name: 'olga', password: 'short-pw' },
    });
    expect(refused).toMatchObject({ status: 422, code: 'BODY_INVALID' });
    expect(JSON.stringify(refused.value)).not.toContain('short-pw');
  });
});

describe('the cookie', () => {
  it('is HttpOnly, Strict, for the whole site, and Secure behind https', async () => {
    const lines = async (headers: Record<string, string>): Promise<string[]> => {
      const { value } = await desk.asHome('POST', `/api/v1/operators/${await owner()}/link`);
      const { token } = (value as { link: { token: string } }).link;
      secrets.add(token);
      const answer = await desk.ask('POST', '/api/v1/session/link', headers, JSON.stringify({ token }));
      return answer.headers.getSetCookie();
    };
    const [session = ''] = await lines({});
    expect(session).toMatch(/^consilium_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const [secure = ''] = await lines({ 'x-forwarded-proto': 'https' });
    expect(secure).toMatch(/; Secure$/);
  });

  it('has a new id after each sign-in, whatever the browser brought', async () => {
    const browser = desk.newBrowser();
    const fixed = 'F'.repeat(43);
    browser.cookies.set('consilium_session', fixed);
    await signInByLink(browser);
    const first = browser.cookies.get('consilium_session');
    expect(first).not.toBe(fixed);
    await signInByLink(browser);
    expect(browser.cookies.get('consilium_session')).not.toBe(first);
    // The one before is over.
    const stale = desk.newBrowser();
    stale.cookies.set('consilium_session', first ?? '');
    expect(await stale.ask('GET', '/api/v1/session')).toMatchObject({ status: 401 });
  });
});

async function owner(): Promise<string> {
  const { value } = await desk.asHome('GET', '/api/v1/operators');
  return (value as { name: string; role: string }[]).find(({ role }) => role === 'owner')?.name ?? '';
}

async function signInByLink(browser: Browser, name?: string): Promise<number> {
  const { value } = await desk.asHome('POST', `/api/v1/operators/${name ?? (await owner())}/link`);
  const { token } = (value as { link: { token: string } }).link;
  secrets.add(token);
  const { status } = await browser.ask('POST', '/api/v1/session/link', { token });
  planted(browser);
  expect((await browser.ask('POST', '/api/v1/session/link', { token })).code).toBe('LINK_INVALID');
  return status;
}

describe('a session', () => {
  it('outlives a restart, and ends when it is ended', async () => {
    const browser = desk.newBrowser();
    await signInByLink(browser);
    await desk.restart();
    Object.assign(browser, { url: desk.url });
    Object.assign(olga, { url: desk.url });
    expect((await browser.ask('GET', '/api/v1/session')).status).toBe(200);
    const cookie = browser.cookies.get('consilium_session') ?? '';
    expect((await browser.ask('DELETE', '/api/v1/session')).status).toBe(204);
    expect(browser.cookies.has('consilium_session')).toBe(false);
    browser.cookies.set('consilium_session', cookie);
    expect((await browser.ask('GET', '/api/v1/session')).status).toBe(401);
  });

  it('ends idle and at its absolute end', async () => {
    const clock = { ms: Date.parse('2026-01-01T00:00:00Z') };
    const sessions = await Sessions.open(join(desk.folder, 'other'), () => clock.ms);
    const { id } = await sessions.begin('olga');
    const hour = 3_600_000;
    for (let i = 0; i < 6; i++) {
      clock.ms += 1.9 * hour;
      expect(sessions.use(id), `after ${i}`).toBeDefined();
    }
    clock.ms += hour;
    expect(sessions.use(id)).toBeUndefined();
    const { id: idle, session } = await sessions.begin('olga');
    clock.ms += 2 * hour;
    expect(sessions.isAlive(session.digest)).toBe(false);
    expect(sessions.use(idle)).toBeUndefined();
  });

  it('ends with its account, and a role that was taken away is gone at once', async () => {
    const browser = await desk.invite('vera', 'operator', PASSWORD);
    planted(browser);
    const asked = () => browser.ask('POST', '/api/v1/runs/nobody/pause');
    expect((await asked()).code).toBe('RUN_UNKNOWN');
    await desk.asHome('PATCH', '/api/v1/operators/vera', { role: 'viewer' });
    expect((await asked()).code).toBe('FORBIDDEN');
    await desk.asHome('PATCH', '/api/v1/operators/vera', { state: 'disabled' });
    expect((await asked()).code).toBe('UNAUTHORIZED');
    await desk.asHome('PATCH', '/api/v1/operators/vera', { state: 'active' });
    // Enabled again, it has to sign in again.
    expect((await asked()).code).toBe('UNAUTHORIZED');
  });

  it('begins anew with another password, which needs the old one', async () => {
    const browser = await desk.invite('wanda', 'viewer', PASSWORD);
    const before = browser.cookies.get('consilium_session');
    const change = (current: string) =>
      browser.ask('PUT', '/api/v1/session/password', { current, next: 'planted-other-password' });
    secrets.add('planted-other-password');
    expect((await change('wrong-planted-password')).code).toBe('SIGN_IN_FAILED');
    expect((await change(PASSWORD)).status).toBe(200);
    expect(browser.cookies.get('consilium_session')).not.toBe(before);
    expect((await browser.ask('GET', '/api/v1/session')).status).toBe(200);
    planted(browser);
  });
});

describe('the last owner', () => {
  it.each([
    ['PATCH', { role: 'viewer' }],
    ['PATCH', { state: 'disabled' }],
    ['DELETE', undefined],
  ])('is not lost by %s %j', async (method, body) => {
    expect(await desk.asHome(method, `/api/v1/operators/${await owner()}`, body)).toMatchObject({
      status: 409,
      code: 'LAST_OWNER',
    });
  });
});

describe('wrong passwords', () => {
  it('answer alike whether the account exists, and then wait; a known browser and a link still get in', async () => {
    const known = await desk.invite('xenia', 'viewer', PASSWORD);
    planted(known);
    const wrong = (name: string) => desk.newBrowser().ask('POST', '/api/v1/session', { name, password: 'not it' });
    const [real, nobody] = [await wrong('xenia'), await wrong('nobody-at-all')];
    expect(real.status).toBe(401);
    expect(nobody.value).toEqual(real.value);
    const codes: (string | undefined)[] = [];
    for (let i = 0; i < 6; i++) codes.push((await wrong('xenia')).code);
    expect(codes.slice(-1)).toEqual(['LOCKED_OUT']);
    // The right password as well, from a strange browser.
    const strange = await desk.newBrowser().ask('POST', '/api/v1/session', { name: 'xenia', password: PASSWORD });
    expect(strange).toMatchObject({ status: 429, code: 'LOCKED_OUT' });
    known.cookies.delete('consilium_session');
    expect((await known.ask('POST', '/api/v1/session', { name: 'xenia', password: PASSWORD })).status).toBe(200);
    planted(known);
    expect(await signInByLink(desk.newBrowser(), 'xenia')).toBe(200);
  });

  it('wait longer each time, up to a quarter of an hour, and are forgotten', () => {
    const clock = { ms: 0 };
    const lockout = new Lockout(() => clock.ms);
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      lockout.failed('a');
      const wait = lockout.waitMs('a');
      waits.push(wait);
      // What is refused meanwhile lengthens nothing.
      expect(lockout.waitMs('a')).toBe(wait);
      clock.ms += wait;
    }
    expect(waits.slice(0, 7)).toEqual([0, 0, 0, 0, 2_000, 4_000, 8_000]);
    expect(waits.at(-1)).toBe(900_000);
    expect(lockout.waitMs('b')).toBe(0);
    expect(lockout.waitMs('a', 'device')).toBe(0);
    clock.ms += 24 * 3_600_000;
    expect(lockout.waitMs('a')).toBe(0);
  });
});

describe('API tokens', () => {
  it('end when they are revoked, when they expire, and with who made them', async () => {
    const secret = await desk.token('ci', ['read']);
    secrets.add(secret);
    const asked = (token: string) => desk.ask('GET', '/api/v1/runs', { authorization: `Bearer ${token}` });
    expect((await asked(secret)).status).toBe(200);
    expect((await asked(`${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`)).status).not.toBe(200);
    await desk.asHome('DELETE', '/api/v1/tokens/ci');
    expect((await asked(secret)).status).not.toBe(200);
    const maker = await desk.invite('yara', 'owner', PASSWORD);
    planted(maker);
    const made = await maker.ask('POST', '/api/v1/tokens', { name: 'yaras', scopes: ['read', 'runs'] });
    const yaras = (made.value as { secret: string }).secret;
    secrets.add(yaras);
    const pause = () => desk.ask('POST', '/api/v1/runs/nobody/pause', { authorization: `Bearer ${yaras}` });
    expect((await pause()).code).toBe('RUN_UNKNOWN');
    await desk.asHome('PATCH', '/api/v1/operators/yara', { role: 'viewer' });
    expect((await pause()).code).toBe('FORBIDDEN');
    await desk.asHome('PATCH', '/api/v1/operators/yara', { state: 'disabled' });
    expect((await pause()).status).not.toBe(200);
    expect(['UNAUTHORIZED', 'RATE_LIMITED']).toContain((await pause()).code);
  });
});

describe('names', () => {
  it.each(['<script>alert(1)</script>', '../../etc', 'a b', '', 'A'.repeat(65), '\u202eolga'])(
    '%j is refused, and what is tried comes back as data',
    async (name) => {
      const answer = await desk.asHome('POST', '/api/v1/operators', { name, role: 'viewer' });
      expect(answer).toMatchObject({ status: 422, code: 'BODY_INVALID' });
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    },
  );
});

describe('what is kept', () => {
  it('holds no password, no token and no id of a session, and is for its owner alone', async () => {
    expect(secrets.size).toBeGreaterThan(15);
    const files = await readdir(desk.home, { recursive: true, withFileTypes: true });
    let read = 0;
    for (const file of files.filter((one) => one.isFile() && one.name !== 'api-token')) {
      const bytes = await readFile(join(file.parentPath, file.name), 'latin1');
      read += 1;
      for (const secret of secrets) expect(bytes.includes(secret), `${file.name} holds a secret`).toBe(false);
    }
    expect(read).toBeGreaterThan(4);
    for (const secret of [...secrets, desk.homeToken]) expect(desk.log.text.includes(secret)).toBe(false);
    for (const name of ['registry.json', 'sessions.json', 'activity.jsonl']) {
      expect((await stat(join(desk.home, 'operators', name))).mode & 0o077, name).toBe(0);
    }
    expect(await readFile(join(desk.home, 'operators', 'registry.json'), 'utf8')).toContain(
      '$argon2id$v=19$m=19456,t=2,p=1$',
    );
  });
});
