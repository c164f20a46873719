/**
 * Claims: (1) each role, each scope of a token and a stranger gets exactly what the table of permissions says, at every
 * route; (2) every route says what it needs, and the description agrees with the routes; (3) what changes something by a
 * cookie needs the token of the session and a page of this origin; (4) who was refused, or allowed, is in the activity
 * before anything happens. Oracle: the table of libs/operator-api, NestJS's own list of routes, and strings by hand.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permissions, PERMISSIONS_OF, roles, type Permission, type Role } from '@consilium/operator-api';
import { OPERATIONS } from '../api/operations-table.js';
import { Site } from './cookies.js';
import { OperatorGuard } from './guard.js';
import { openDeskOfOperators, type TestDesk } from './test-desk.js';

let desk: TestDesk;
beforeAll(async () => {
  desk = await openDeskOfOperators();
  await desk.setUp('olga', 'correct horse battery');
  for (const role of roles) await desk.invite(`the-${role}`, role, 'correct horse battery');
});
afterAll(() => desk.close());

/** Names in paths that are nobody's, so that what is allowed changes nothing. */
const addressOf = (path: string): string => `/api/v1${path.replace(/\{\w+\}/g, 'nobody')}`;
const routes = Object.entries(OPERATIONS).map(([name, { needs }]) => {
  const [method = '', path = ''] = name.split(' ');
  return { name, method, path: addressOf(path), needs };
});
/** The guard alone answers so; what a handler says of missing runs and bodies is another code. */
const HOME_ONLY = ['POST /operators/{name}/link', 'POST /operators/setup'];
const REFUSED = ['UNAUTHORIZED', 'FORBIDDEN'];

describe.each(roles)('%s', (role: Role) => {
  // Signing out, and another password, would end the session that the others of this test have.
  const tried = routes.filter(({ name }) => name !== 'DELETE /session');
  it.each(tried)('$name', async ({ method, path, needs, name }) => {
    const browser = await desk.browser(`the-${role}`, 'correct horse battery');
    const answer = await browser.ask(method, path);
    const mayDo = needs === 'nothing' || needs === 'session' || PERMISSIONS_OF[role].includes(needs);
    // Allowed by role, and refused by its handler: sign-in links are for the home folder.
    const isOpen = mayDo && !HOME_ONLY.includes(name);
    if (isOpen) expect(REFUSED, JSON.stringify(answer.value)).not.toContain(answer.code);
    else expect(answer).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  });
});

describe.each(permissions)('a token with the scope %s', (scope: Permission) => {
  it('does that and nothing else', async () => {
    const secret = await desk.token(`only-${scope}`, [scope]);
    for (const { method, path, needs, name } of routes) {
      if (needs === 'nothing') continue;
      const answer = await desk.ask(method, path, { authorization: `Bearer ${secret}` });
      const isOpen = needs === scope && ![...HOME_ONLY, 'POST /tokens'].includes(name);
      if (isOpen) expect(REFUSED, name).not.toContain(answer.code);
      else if (needs !== scope) expect(answer, name).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    }
  });
});

describe('a stranger', () => {
  it.each(routes)('$name', async ({ method, path, needs }) => {
    const answer = await desk.ask(method, path);
    if (needs === 'nothing') expect(['UNAUTHORIZED', 'FORBIDDEN']).not.toContain(answer.code);
    else expect([401, 429]).toContain(answer.status);
  });
});

describe('routes', () => {
  it('all say what they need, and the description says the same', () => {
    const declared = desk.routes();
    expect(declared.length).toBeGreaterThan(25);
    expect(declared.filter(({ need }) => need === undefined)).toEqual([]);
    const api = declared.filter(({ path }) => path.startsWith('/api/v1'));
    const described = Object.fromEntries(Object.entries(OPERATIONS).map(([name, { needs }]) => [name, needs]));
    const real = api.map(({ method, path, need }) => [
      `${method} ${path.slice('/api/v1'.length).replace(/:(\w+)/g, '{$1}')}`,
      need?.need,
    ]);
    expect(Object.fromEntries(real)).toEqual(described);
  });

  it('that change something or hand a head out are written down', () => {
    const silent = desk
      .routes()
      .filter(({ method, need }) => method !== 'GET' && need !== undefined && need.need !== 'nothing')
      .filter(({ need }) => need === undefined || !('recorded' in need));
    expect(silent.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  it('that do not say it are refused to the owner as well', async () => {
    // The guard itself, with a handler that nothing was written over.
    const request = { method: 'GET', headers: { authorization: `Bearer ${desk.homeToken}` } };
    const context = {
      getType: () => 'http',
      switchToHttp: () => ({ getRequest: () => request }),
      getHandler: () => () => undefined,
      getClass: () => class {},
    };
    const callers = { of: () => ({ kind: 'home' }) };
    const guard = new OperatorGuard({
      callers,
      site: new Site(),
      activity: { record: () => Promise.resolve(0) },
    } as never);
    await expect(guard.canActivate(context as never)).rejects.toMatchObject({ code: 'ROUTE_UNDECLARED' });
  });
});

describe('another site', () => {
  const pause = '/api/v1/runs/nobody/pause';

  it.each([
    ['no token', { csrf: '' }, 'CSRF_INVALID'],
    ['a wrong token', { csrf: 'ab'.repeat(32) }, 'CSRF_INVALID'],
    ['a page of another origin', { origin: 'https://evil.example' }, 'ORIGIN_REFUSED'],
    ['a page of another port', { origin: 'http://127.0.0.1:1' }, 'ORIGIN_REFUSED'],
    ['an opaque origin', { origin: 'null' }, 'ORIGIN_REFUSED'],
    ['no origin', { origin: '' }, 'ORIGIN_REFUSED'],
    ['the real page', {}, 'RUN_UNKNOWN'],
  ])('with %s: %s', async (_, differs, code) => {
    const browser = await desk.browser('olga', 'correct horse battery');
    expect((await browser.ask('POST', pause, undefined, differs)).code).toBe(code);
  });

  it('gets nothing by the token of another session', async () => {
    const [one, other] = [
      await desk.browser('olga', 'correct horse battery'),
      await desk.browser('the-owner', 'correct horse battery'),
    ];
    expect((await one.ask('POST', pause, undefined, { csrf: other.csrf })).code).toBe('CSRF_INVALID');
  });

  it('cannot sign anybody in', async () => {
    const body = JSON.stringify({ name: 'olga', password: 'correct horse battery' });
    expect(await desk.ask('POST', '/api/v1/session', { origin: 'https://evil.example' }, body)).toMatchObject({
      status: 403,
      code: 'ORIGIN_REFUSED',
    });
  });
});

describe('the activity', () => {
  it('has who was allowed and who was refused, and by what', async () => {
    const viewer = await desk.browser('the-viewer', 'correct horse battery');
    await viewer.ask('POST', '/api/v1/runs/nobody/abort');
    const owner = await desk.browser('the-owner', 'correct horse battery');
    await owner.ask('POST', '/api/v1/runs/nobody/abort');
    const last = (await desk.activity()).slice(-4).filter(({ action }) => action === 'run.abort');
    expect(last.map(({ by, outcome, code, run }) => [by.name, outcome, code, run])).toEqual([
      ['the-viewer', 'refused', 'FORBIDDEN', 'nobody'],
      ['the-owner', 'allowed', null, 'nobody'],
      ['the-owner', 'failed', 'RUN_UNKNOWN', 'nobody'],
    ]);
  });
});
