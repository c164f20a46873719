/**
 * Claims, against a real coordinator and real hospital processes, as a person with a browser: the setup link makes the first
 * account and is gone from the address at once; a run is begun from the form, watched while a hospital is killed in it, paused,
 * resumed, compared and downloaded; the page says so when the coordinator is gone, and is right again when it is back; a viewer
 * sees no button that it may not use, and the server refuses what such a button would ask; a request without the session's
 * token is refused; no token is in the address of any request. Oracle: what the page shows against what the API says, and the
 * codes of README.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, everything, openChromium } from './chromium.js';
import { settled, watch } from './pages.js';
import { conveneProcesses, type RealConsortium } from './real-consortium.js';

/** One can be lost: three are the least that secure aggregation takes. */
const HOSPITALS = ['st-anna', 'north', 'south', 'west'];
const PASSWORD = 'seven quiet herons by the lake';
/** The machine may be busy: what is claimed is that it happens, not how fast. */
const PATIENCE_MS = 120_000;

describe.skipIf(!everything || chromiumPath() === undefined)('the console', { timeout: 2 * PATIENCE_MS }, () => {
  let browser: Browser;
  let consortium: RealConsortium;
  let page: Page;
  let problems: string[];
  const addresses: string[] = [];
  beforeAll(async () => {
    consortium = await conveneProcesses(HOSPITALS);
    browser = await openChromium();
    page = await newPage();
  }, 240_000);
  afterAll(async () => {
    await browser.close();
    await consortium.close();
  });

  async function newPage(): Promise<Page> {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', acceptDownloads: true });
    const opened = await context.newPage();
    opened.setDefaultTimeout(PATIENCE_MS);
    problems = watch(opened, new URL(consortium.url).origin);
    opened.on('request', (request) => addresses.push(request.url()));
    return opened;
  }
  const open = async (hash: string): Promise<void> => {
    await page.goto(`${consortium.url}${hash}`);
    await settled(page);
  };
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  /** A request as a script on this page would send it. */
  const request = (path: string, init: object): Promise<{ status: number; body: string }> =>
    page.evaluate(
      `fetch(${JSON.stringify(`api/v1/${path}`)}, ${JSON.stringify(init)}).then(async (r) => ({ status: r.status, body: await r.text() }))`,
    );

  it('makes the first account by a link that is gone at once, and works once', async () => {
    await page.goto(consortium.setupLink);
    await page.getByLabel('Your name').fill('maria.keller');
    expect(page.url()).not.toContain('setup');
    await page.getByLabel('A new password').fill(PASSWORD);
    await page.getByLabel('The same password again').fill(PASSWORD);
    await button('Make the account').click();
    await page.getByRole('heading', { name: 'Now' }).waitFor();
    await page.getByText('Live').waitFor();
    const other = await newPage();
    await other.goto(consortium.setupLink);
    await other.getByLabel('Your name').fill('mallory');
    await other.getByLabel('A new password').fill(PASSWORD);
    await other.getByLabel('The same password again').fill(PASSWORD);
    await other.getByRole('button', { name: 'Make the account' }).click();
    await other.getByText(/used before or has expired/).waitFor();
    await other.context().close();
  });

  it('begins a run from a file that the form was filled from', async () => {
    await open('#/new-run');
    await button('Paste a run file').click();
    await page
      .getByRole('textbox', { name: 'Run file' })
      .fill(consortium.runFile('first', { rounds: 2_000, roundTimeoutSeconds: 60 }));
    await button('Fill the form').click();
    await page.getByText('This can begin.').waitFor();
    await page.getByRole('tab', { name: 'What hospitals approve' }).click();
    await page.getByText('normal').first().waitFor();
    await button('Begin the run').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Begin the run' }).click();
    await page.getByRole('heading', { name: /first/ }).waitFor();
  });

  it('shows a round while a hospital is killed in it', async () => {
    for (const id of HOSPITALS) consortium.startHospital(id);
    await open('#/');
    await page.getByText(/Round ([2-9]|\d\d+) of 2000/).waitFor();
    await consortium.killHospital('st-anna');
    const row = page.getByRole('row', { name: /st-anna/ });
    await row.getByText('not connected').waitFor();
    // The others go on without it.
    const before = await roundShown();
    await expect.poll(roundShown, { timeout: PATIENCE_MS }).toBeGreaterThan(before + 1);
  });

  const roundShown = async (): Promise<number> =>
    Number(/Round (\d+) of/.exec((await page.locator('main').textContent()) ?? '')?.[1]);

  it('pauses and resumes', async () => {
    await button('Pause').click();
    await button('Pause after this round').click();
    await page.getByText('Paused', { exact: true }).waitFor();
    await page.getByText(/no other begins until somebody resumes/).waitFor();
    await button('Resume').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Running', { exact: true }).waitFor();
  });

  it('says that the coordinator is gone, and is right when it is back', async () => {
    await consortium.killCoordinator();
    await page.getByText(/does not answer. What you see is as of \d\d:\d\d:\d\d/).waitFor();
    expect(await page.getByText('Live', { exact: true }).count()).toBe(0);
    await consortium.startCoordinator();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText(/does not answer/).waitFor({ state: 'detached' });
    await page.reload();
    await page.getByText(/Round \d+ of 2000/).waitFor();
  });

  it('aborts after the name was typed, compares and downloads', async () => {
    await button('Abort').click();
    expect(await button('Abort the run').isDisabled()).toBe(true);
    await page.getByLabel(/type the name of the run/).fill('first');
    await button('Abort the run').click();
    await page.getByText('No run is under way').waitFor();
    await request('runs', { method: 'GET' });
    await open('#/runs/first');
    await page.getByText('Aborted', { exact: true }).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), button('Last model').click()]);
    expect(download.suggestedFilename()).toMatch(/^first-round-\d+\.safetensors$/);
    const [results] = await Promise.all([page.waitForEvent('download'), button('Results as CSV').click()]);
    expect(results.suggestedFilename()).toMatch(/\.csv$/);
  });

  it('refuses a change without the token of the session', async () => {
    const forged = await request('runs/first/abort', { method: 'POST' });
    expect([401, 403]).toContain(forged.status);
    const guessed = await request('runs/first/abort', {
      method: 'POST',
      headers: { 'x-consilium-csrf': 'a'.repeat(43) },
    });
    expect([401, 403]).toContain(guessed.status);
  });

  it('shows a viewer no button, and refuses what such a button would ask', async () => {
    await open('#/operators');
    await button('Add a person').click();
    await page.getByRole('dialog').getByLabel('Name').fill('l.brandt');
    await page
      .getByRole('dialog')
      .getByRole('radio', { name: /Viewer/ })
      .check();
    await button('Make the link').click();
    const link = (await page.getByLabel('One-time link', { exact: true }).textContent()) ?? '';
    await button('Done').click();
    const owner = page;
    page = await newPage();
    await page.goto(link);
    await page.getByLabel('A new password').fill(PASSWORD);
    await page.getByLabel('The same password again').fill(PASSWORD);
    await button('Set the password and sign in').click();
    await page.getByRole('heading', { name: 'Now' }).waitFor();
    expect(await page.getByRole('link', { name: /New run|Operators|Activity/ }).count()).toBe(0);
    await open('#/runs/first');
    expect(await button(/Pause|Resume|Abort/).count()).toBe(0);
    await open('#/operators');
    await page.getByText('This address leads to no page.').waitFor();
    const { body } = await request('session', {});
    const csrf = (JSON.parse(body) as { csrf: string }).csrf;
    const headers = { 'x-consilium-csrf': csrf, 'content-type': 'application/json' };
    for (const path of ['runs/first/abort', 'operators', 'runs']) {
      expect((await request(path, { method: 'POST', headers, body: '{}' })).status).toBe(403);
    }
    expect((await request('operators', {})).status).toBe(403);
    await page.context().close();
    page = owner;
  });

  it('asks for nothing with a token in its address, and for nothing elsewhere', () => {
    expect(addresses.filter((address) => /setup|welcome=|token=|csrf/.test(new URL(address).search))).toEqual([]);
    expect(
      addresses.filter((address) => address.includes('#') && /[A-Za-z0-9_-]{43}/.test(new URL(address).pathname)),
    ).toEqual([]);
    expect(problems.filter((problem) => problem.startsWith('a request to'))).toEqual([]);
  });
});
