/**
 * Claims, against a real coordinator, with attacks tried from real browsers: (1) a name, label or reason that a hospital, an
 * invited person or an operator can choose is shown as text and runs nothing, and where names are plain anything else is
 * refused; (2) a viewer sees no button that it may not use, and every operation that changes or audits something is refused
 * to it, also by another's account, token and run; (3) a page of another port of this very machine, to which the browser sends
 * the cookie along, can neither change anything nor hold the console in a frame; (4) a token is in no address that is asked
 * for, and out of the address bar at once; (5) a session that was ended is worth nothing. Oracle: the API's own description
 * of its operations, the codes of README, a flag that a planted script would set, and the state of the run.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, everything, openChromium } from './chromium.js';
import { PASSWORD, PATIENCE_MS, Person, type Answered } from './person.js';
import { conveneProcesses, type RealConsortium } from './real-consortium.js';

/** Sets a flag wherever it is parsed as markup; closes what it may stand in first. */
const planted = (where: string): string => `"'><img src=x onerror="window.planted=1">${where}`;
/** The console has one picture of its own. */
const FOREIGN_IMAGES = 'img:not([src$="/icon.svg"])';
const HOSPITALS = ['north', 'south', 'east'];

const codeOf = ({ body }: Answered): unknown => (JSON.parse(body) as { code?: string }).code;

describe.skipIf(!everything || chromiumPath() === undefined)('guarded', { timeout: 2 * PATIENCE_MS }, () => {
  let browser: Browser;
  let consortium: RealConsortium;
  let owner: Person;
  let viewer: Person;
  const links: string[] = [];
  beforeAll(async () => {
    consortium = await conveneProcesses(HOSPITALS);
    links.push(consortium.setupLink);
    browser = await openChromium();
    owner = await Person.arrive(browser, consortium.url);
    await owner.choosePassword(consortium.setupLink, 'maria.keller');
    await owner.page.getByRole('heading', { name: 'Now' }).waitFor();
  }, 240_000);
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await owner.picture(`guarded-${task.name}`);
  });
  afterAll(async () => {
    await browser.close();
    await consortium.close();
  });

  /** Makes an account by the page, and signs in with its link. */
  async function newcomer(name: string, role: RegExp): Promise<Person> {
    await owner.open('#/operators');
    await owner.button('Add a person').click();
    await owner.dialog.getByLabel('Name').fill(name);
    await owner.dialog.getByRole('radio', { name: role }).check();
    await owner.button('Make the link').click();
    const link = (await owner.page.getByLabel('One-time link', { exact: true }).textContent()) ?? '';
    links.push(link);
    await owner.button('Done').click();
    const person = await Person.arrive(browser, consortium.url);
    await person.choosePassword(link);
    await person.page.getByRole('heading', { name: 'Now' }).waitFor();
    expect(person.page.url()).toBe(`${consortium.url}#/`);
    return person;
  }

  /** Every page has what was planted as text alone. */
  async function showsAsText(hash: string, ...texts: string[]): Promise<void> {
    await owner.open(hash);
    for (const text of texts) await owner.page.getByText(text).first().waitFor();
    expect(await owner.page.locator(FOREIGN_IMAGES).count(), hash).toBe(0);
    expect(await owner.page.evaluate('window.planted'), hash).toBeUndefined();
  }

  describe('names', () => {
    it('of an invitation, an approval, a comparison and a revocation are text', async () => {
      const invitation = { hospital: 'west', displayName: planted('invited') };
      const issued = JSON.parse((await owner.ask('POST', 'invitations', invitation)).body) as { file: string };
      await consortium.join('west', issued.file);
      const approval = { comparedBy: planted('approved'), how: 'phone' };
      expect((await owner.ask('POST', 'hospitals/west/approve', approval)).status).toBe(200);
      await consortium.hospital('west', 'verify', '--compared-by', planted('verified'), '--how', 'video');
      await showsAsText('#/hospitals', planted('invited'));
      await owner.button(`Details of ${planted('invited')}`).click();
      await owner.dialog.getByText(planted('approved')).waitFor();
      await owner.dialog.getByText(planted('verified')).waitFor();
      expect((await owner.ask('POST', 'hospitals/west/revoke', { reason: planted('revoked') })).status).toBe(200);
      await owner.dialog.getByText(planted('revoked')).waitFor();
      expect(await owner.page.locator(FOREIGN_IMAGES).count()).toBe(0);
      expect(await owner.page.evaluate('window.planted')).toBeUndefined();
    });

    it('of a study and its labels are text', async () => {
      const study = { name: planted('study'), labels: [planted('l1'), planted('l2'), 'covid'] };
      await owner.beginRun(consortium.runFile('marked', { study }), 'marked');
      await showsAsText('#/runs', planted('study'));
      await showsAsText('#/runs/marked', planted('study'), planted('l1'));
      await showsAsText('#/', planted('study'));
      await owner.beginRun(consortium.runFile('plain'), 'plain');
      await showsAsText('#/compare?a=marked&b=plain', planted('l1'));
      await showsAsText('#/activity', 'Approved a hospital: west');
      // What somebody else wrote into an address is text as well.
      await owner.page.goto(`${consortium.url}#/runs/${encodeURIComponent(planted('address'))}`);
      await owner.page.getByText(planted('address')).first().waitFor();
      await owner.page.goto(`${consortium.url}#/compare?a=${encodeURIComponent(planted('address'))}&b=plain`);
      await owner.page.getByRole('heading', { name: 'Compare two runs' }).waitFor();
      expect(await owner.page.evaluate('window.planted')).toBeUndefined();
    });

    it('that are plain are refused as anything else', async () => {
      const file = consortium.runFile('marked');
      for (const [path, body] of [
        ['operators', { name: planted('operator'), role: 'viewer' }],
        ['tokens', { name: planted('token'), scopes: ['read'] }],
        ['invitations', { hospital: planted('hospital') }],
        ['invitations', { hospital: 'north-2', displayName: 'two\nlines' }],
        ['runs', { ...(JSON.parse(file) as object), run: planted('run') }],
        ['runs', { ...(JSON.parse(file) as object), run: 'third', hospitals: [planted('roster')] }],
      ] as const) {
        expect((await owner.ask('POST', path, body)).status, path).toBe(422);
      }
      const names = [planted('tried'), '<script>window.planted=1</script>'];
      for (const name of names) {
        const stranger = await Person.arrive(browser, consortium.url);
        await stranger.page.goto(consortium.url);
        await stranger.page.getByLabel('Name').fill(name);
        await stranger.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await stranger.button('Sign in').click();
        await stranger.page.getByText(/do not match/).waitFor();
        await stranger.leave();
      }
      // What strangers tried is in the activity, where its owner reads it.
      await showsAsText('#/activity', 'Signed in');
    });
  });

  describe('a viewer', () => {
    it('sees no button that it may not use', async () => {
      viewer = await newcomer('l.brandt', /Viewer/);
      expect(await viewer.page.getByRole('link', { name: /New run|Operators|Activity/ }).count()).toBe(0);
      for (const hash of ['#/', '#/runs', '#/runs/plain', '#/hospitals']) {
        await viewer.open(hash);
        const names = await viewer.page.getByRole('button').allTextContents();
        expect(
          names.filter((name) => /Pause|Resume|Abort|Begin|Invite|Approve|Revoke|Withdraw|Add/.test(name)),
        ).toEqual([]);
        expect(await viewer.page.getByRole('link', { name: 'New run' }).count()).toBe(0);
      }
      for (const hash of ['#/operators', '#/activity', '#/new-run']) {
        await viewer.open(hash);
        await viewer.page.getByText('This address leads to no page.').waitFor();
      }
    });

    it('is refused every operation that needs more than to read', async () => {
      interface Described {
        readonly paths: Record<string, Record<string, { readonly summary: string; readonly description?: string }>>;
      }
      const { paths } = JSON.parse((await viewer.request('openapi.json')).body) as Described;
      const own = /session|runs\/check/;
      const tried: string[] = [];
      for (const [path, methods] of Object.entries(paths)) {
        for (const method of Object.keys(methods)) {
          const address = path
            .replace('/api/v1/', '')
            .replace('{run}', 'plain')
            .replace('{hospital}', 'north')
            .replace('{name}', 'maria.keller')
            .replace('{invitation}', 'west');
          const isRead = method === 'get' && !/operators|tokens|activity/.test(address);
          if (own.test(address) || isRead) continue;
          const answer = await viewer.ask(method.toUpperCase(), address, method === 'get' ? undefined : {});
          expect([answer.status, codeOf(answer)], `${method} ${address}`).toEqual([403, 'FORBIDDEN']);
          tried.push(`${method} ${address}`);
        }
      }
      expect(tried.length).toBeGreaterThan(15);
      expect(codeOf(await viewer.request('activity/export?format=csv'))).toBe('FORBIDDEN');
    });

    it('finds nothing at altered ids, and neither does an owner', async () => {
      const ids = [
        'PLAIN',
        'plain%00',
        '..%2F..%2Fapi-token',
        '..%2Foperators',
        'plain%2F..%2Fmarked',
        '%2e%2e',
        '*',
        '0',
      ];
      for (const person of [viewer, owner]) {
        for (const id of ids) {
          for (const rest of ['', '/events', '/results.json', '/results.csv', '/model?round=best']) {
            const { status, body } = await person.request(`runs/${id}${rest}`);
            expect([404, 422], `${id}${rest}: ${body}`).toContain(status);
          }
        }
        for (const round of ['0', '-1', '99999999999', '1.5', 'first', '']) {
          expect([404, 422]).toContain((await person.request(`runs/plain/model?round=${round}`)).status);
        }
      }
      expect((await owner.ask('POST', 'hospitals/nobody/approve', { comparedBy: 'a', how: 'phone' })).status).toBe(404);
      expect((await owner.ask('DELETE', 'invitations/..%2Fwest')).status).toBe(404);
      expect((await owner.ask('PATCH', 'operators/nobody', { role: 'owner' })).status).toBe(404);
    });

    it('cannot use another session with its own token, nor one that was ended', async () => {
      const operator = await newcomer('j.osei', /Operator/);
      const { csrf } = JSON.parse((await viewer.request('session')).body) as { csrf: string };
      for (const token of [undefined, '', csrf, 'a'.repeat(43)]) {
        const answer = await operator.request('runs/plain/pause', {
          method: 'POST',
          headers: token === undefined ? {} : { 'x-consilium-csrf': token },
        });
        expect([answer.status, codeOf(answer)]).toEqual([403, 'CSRF_INVALID']);
      }
      // An operator leads runs, and gives nobody a role, least of all itself.
      expect((await operator.ask('PATCH', 'operators/j.osei', { role: 'owner' })).status).toBe(403);
      expect((await operator.ask('POST', 'operators/maria.keller/reset')).status).toBe(403);
      const stolen = await operator.page.context().cookies();
      await operator.page.getByRole('button', { name: /j\.osei/ }).click();
      await operator.page.getByRole('menuitem', { name: 'Sign out' }).click();
      await operator.page.getByLabel('Password', { exact: true }).waitFor();
      const thief = await Person.arrive(browser, consortium.url);
      await thief.page.context().addCookies(stolen);
      await thief.page.goto(consortium.url);
      await thief.page.getByLabel('Password', { exact: true }).waitFor();
      expect((await thief.request('runs')).status).toBe(401);
      expect(stolen.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Strict')).toBe(true);
      await thief.leave();
      await operator.leave();
    });
  });

  describe('a page of another port', () => {
    let evil: Server;
    let address: string;
    beforeAll(async () => {
      const action = `${consortium.url}api/v1/runs/plain/abort`;
      evil = createServer((request, response) => {
        response.setHeader('content-type', 'text/html');
        if (request.url === '/frame') response.end(`<iframe src="${consortium.url}"></iframe>`);
        else if (request.url === '/form')
          response.end(
            `<form method="post" enctype="text/plain" action="${action}"><input name="a" value="b"></form><script>document.forms[0].submit()</script>`,
          );
        else response.end('<h1>evil</h1>');
      });
      await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
      address = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      evil.close();
    });

    const status = async (): Promise<unknown> =>
      (JSON.parse((await owner.request('runs/plain')).body) as { status: string }).status;

    it('changes nothing by a form or a script, although the cookie goes along', async () => {
      const page = await owner.page.context().newPage();
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().endsWith('/abort')),
        page.goto(`${address}/form`),
      ]);
      expect(answer.status()).toBe(403);
      expect(await answer.request().headerValue('cookie')).toContain('consilium_session=');
      expect((await answer.json()) as object).toMatchObject({ code: 'ORIGIN_REFUSED' });
      await page.goto(address);
      for (const headers of [{}, { 'content-type': 'text/plain' }]) {
        const init = JSON.stringify({ method: 'POST', mode: 'no-cors', credentials: 'include', headers, body: '{}' });
        for (const path of ['runs/plain/abort', 'operators', 'session']) {
          await page.evaluate(
            `fetch(${JSON.stringify(`${consortium.url}api/v1/${path}`)}, ${init}).catch(() => 'not even shown')`,
          );
        }
      }
      // Nor does it read anything: no answer allows another origin.
      const read = `fetch(${JSON.stringify(`${consortium.url}api/v1/runs`)}, { credentials: 'include' }).then(() => 'read', () => 'kept')`;
      expect(await page.evaluate(read)).toBe('kept');
      expect(await status()).toBe('running');
      await page.close();
    });

    it('does not hold the console in a frame', async () => {
      const page = await owner.page.context().newPage();
      await page.goto(`${address}/frame`);
      const inside = page.frames().find((frame) => frame !== page.mainFrame());
      await expect.poll(() => inside?.url() ?? '').toMatch(/^chrome-error:|^about:blank$/);
      await page.close();
    });
  });

  it('no token was in an address that was asked for, and no page asked anybody else or broke its policy', async () => {
    const tokens = links.map((link) => /=([A-Za-z0-9_-]{43})$/.exec(link)?.[1] ?? '');
    expect(tokens.every((token) => token.length === 43)).toBe(true);
    const asked = [owner, viewer].flatMap(({ addresses }) => addresses.map((one) => one.split('#')[0] ?? ''));
    expect(asked.filter((one) => tokens.some((token) => one.includes(token)))).toEqual([]);
    for (const { page } of [owner, viewer]) {
      const kept = await page.evaluate(
        'JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])',
      );
      expect(tokens.filter((token) => String(kept).includes(token))).toEqual([]);
      await page.goBack();
      expect(tokens.filter((token) => page.url().includes(token))).toEqual([]);
    }
    // The refusals above are answers of the API; what is looked for is a policy that was broken or an error of a script.
    const problems = [owner, viewer].flatMap((person) => person.problems);
    expect(problems.filter((problem) => !/the server responded with a status of 4\d\d/.test(problem))).toEqual([]);
  });
});
