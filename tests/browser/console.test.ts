/**
 * Claims, against a real coordinator and real hospital processes, as one person with a browser goes through it: the setup link
 * makes the first account, once, and is gone from the address at once; a hospital is invited, joins with the file, shows the
 * same words on both sides and is approved; a run is begun from the form; a hospital whose policy refuses it is shown with its
 * rule, and is not waited for; a round is watched while a hospital is killed in it; the run is paused, resumed, outlives its
 * coordinator, and is aborted after its name was typed; two runs are compared and downloaded. Nothing is asked of another
 * origin, nothing is against the page's policy, and no token is in the address of any request. Oracle: what the hospitals
 * print, what the API answers, and the files.
 */
import { readFile } from 'node:fs/promises';
import type { Browser, Download } from 'playwright-core';
import type { RunDetail, RunResults } from '@consilium/operator-api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, everything, openChromium } from './chromium.js';
import { PATIENCE_MS, Person } from './person.js';
import { conveneProcesses, type RealConsortium } from './real-consortium.js';

/** With the one that joins, one can be lost: three are the least that secure aggregation takes. */
const ENROLLED = ['st-anna', 'north', 'south'];
const JOINS = 'west';
const REFUSES = 'strict';

describe.skipIf(!everything || chromiumPath() === undefined)('the console', { timeout: 2 * PATIENCE_MS }, () => {
  let browser: Browser;
  let consortium: RealConsortium;
  let maria: Person;
  beforeAll(async () => {
    consortium = await conveneProcesses([...ENROLLED, REFUSES]);
    await consortium.makeStrict(REFUSES);
    browser = await openChromium();
    maria = await Person.arrive(browser, consortium.url);
  }, 240_000);
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await maria.picture(`console-${task.name}`);
  });
  afterAll(async () => {
    await browser.close();
    await consortium.close();
  });

  const detail = async (run: string): Promise<RunDetail> =>
    JSON.parse((await maria.request(`runs/${run}`)).body) as RunDetail;
  const saved = async (name: string): Promise<Download> => {
    const [download] = await Promise.all([maria.page.waitForEvent('download'), maria.button(name).click()]);
    return download;
  };
  const refused = () => maria.page.getByRole('row', { name: /strict.*Refused.*its policy asks for more hospitals/ });
  const roundShown = async (): Promise<number> =>
    Number(/Round (\d+) of/.exec((await maria.page.locator('main').textContent()) ?? '')?.[1]);

  it('makes the first account by a link that is gone at once, and works once', async () => {
    await maria.choosePassword(consortium.setupLink, 'maria.keller');
    await maria.page.getByRole('heading', { name: 'Now' }).waitFor();
    expect(maria.page.url()).toBe(`${consortium.url}#/`);
    await maria.text('Live').waitFor();
    const other = await Person.arrive(browser, consortium.url);
    await other.choosePassword(consortium.setupLink, 'mallory');
    await other.page.getByText(/used before or has expired/).waitFor();
    await other.leave();
  });

  it('invites a hospital, which joins with the file, and approves it by the words of both sides', async () => {
    await maria.open('#/hospitals');
    await maria.button('Invite a hospital').click();
    await maria.dialog.getByLabel('Name in files and lists').fill(JOINS);
    await maria.dialog.getByLabel('Full name').fill('Klinikum West');
    await maria.dialog.getByRole('button', { name: 'Make the invitation' }).click();
    await maria.text('Invitation for west').waitFor();
    const file = await saved('Save the file');
    const code = (await maria.page.getByRole('list', { name: 'Its code' }).locator('li').allTextContents()).join(' ');
    await maria.button('Done').click();
    const said = await consortium.join(JOINS, await readFile(await file.path(), 'utf8'));
    expect(said).toContain(`code: ${code} `);
    // The page follows without a reload.
    const row = maria.page.getByRole('row', { name: /Klinikum West.*To be approved/ });
    await row.getByRole('button', { name: 'Approve' }).click();
    const list = maria.dialog.getByRole('list', { name: 'The words of the whole roster' });
    const words = (await list.locator('li').allTextContents()).join(' ');
    expect(said).toContain(`roster: ${words}`);
    expect(await maria.dialog.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true);
    await maria.dialog.getByLabel('Every word was the same').check();
    await maria.dialog.getByRole('button', { name: 'Approve' }).click();
    await maria.page.getByRole('row', { name: /Klinikum West.*Active/ }).waitFor();
    // Each hospital has its own people, who compare the roster as it is now.
    for (const id of [...ENROLLED, JOINS]) {
      expect(await consortium.hospital(id, 'membership')).toContain(`roster: ${words}`);
      await consortium.hospital(id, 'verify', '--compared-by', 'Dr. Weiß', '--how', 'phone', '--words', words);
    }
    expect(await consortium.hospital(JOINS, 'membership')).toMatch(/^active/);
    await maria.page.getByRole('row', { name: /Klinikum West.*Used/ }).waitFor();
  });

  it('begins a run from a file that the form was filled from', async () => {
    await maria.beginRun(consortium.runFile('first', { rounds: 2_000, roundTimeoutSeconds: 60 }), 'first');
  });

  it('says by which rule a hospital refuses, and does not wait for it', async () => {
    await maria.open('#/');
    consortium.startHospital(REFUSES);
    await refused().waitFor();
    for (const id of [...ENROLLED, JOINS]) consortium.startHospital(id);
    await maria.page.getByText(/Round ([2-9]|\d\d+) of 2000/).waitFor();
    await refused().waitFor();
    const { places } = (await detail('first')).timeline;
    expect(places.find(({ hospital }) => hospital === REFUSES)).toMatchObject({
      ...{ place: 'refused', rule: 'COHORT_TOO_SMALL' },
    });
  });

  it('shows a round while a hospital is killed in it, and when it is back', async () => {
    await consortium.killHospital('st-anna');
    const row = maria.page.getByRole('row', { name: /st-anna/ });
    await row.getByText('not connected').waitFor();
    // The others go on without it.
    const before = await roundShown();
    await expect.poll(roundShown, { timeout: PATIENCE_MS }).toBeGreaterThan(before + 1);
    consortium.startHospital('st-anna');
    await row.getByText('not connected').waitFor({ state: 'detached' });
  });

  it('pauses and resumes', async () => {
    await maria.button('Pause').click();
    await maria.button('Pause after this round').click();
    await maria.text('Paused').waitFor();
    await maria.page.getByText(/no other begins until somebody resumes/).waitFor();
    await maria.button('Resume').click();
    await maria.dialog.getByRole('button', { name: 'Resume' }).click();
    await maria.text('Running').waitFor();
  });

  it('says that the coordinator is gone, and is right when it is back', async () => {
    await consortium.killCoordinator();
    await maria.page.getByText(/does not answer. What you see is as of \d\d:\d\d:\d\d/).waitFor();
    expect(await maria.text('Live').count()).toBe(0);
    await consortium.startCoordinator();
    await maria.text('Live').waitFor();
    await maria.page.getByText(/does not answer/).waitFor({ state: 'detached' });
    await maria.page.reload();
    await maria.page.getByText(/Round \d+ of 2000/).waitFor();
    // What was refused before the crash is known after it.
    await refused().waitFor();
  });

  it('aborts after the name was typed, and leads another run to its end', async () => {
    await maria.button('Abort').click();
    expect(await maria.button('Abort the run').isDisabled()).toBe(true);
    await maria.page.getByLabel(/type the name of the run/).fill('first');
    await maria.button('Abort the run').click();
    await maria.page.getByText('No run is under way').waitFor();
    await maria.open('#/runs/first');
    await maria.text('Aborted').waitFor();
    await maria.page.getByText(/Ended: an operator aborted it/).waitFor();
    // Without the one that refused: it has left, and the first round would wait for it.
    const changes = { rounds: 2, training: { batchSize: 2 }, hospitals: [...ENROLLED, JOINS] };
    await maria.beginRun(consortium.runFile('second', changes), 'second');
    await maria.text('Finished').waitFor();
    await maria.page.getByText(/Ended: all rounds were led/).waitFor();
  });

  it('compares the two', async () => {
    await maria.open('#/runs');
    for (const run of ['first', 'second']) await maria.page.getByLabel(`Choose ${run} for a comparison`).check();
    await maria.page.getByRole('link', { name: 'Compare two' }).click();
    const figures = maria.page.getByRole('table', { name: 'Figures' });
    const [first, second] = [await detail('first'), await detail('second')];
    const rounds = figures.getByRole('row', { name: /Rounds done/ });
    await rounds.waitFor();
    expect(await rounds.getByRole('cell').allTextContents()).toEqual([
      'Rounds done',
      `${first.history.length} of 2000`,
      '2 of 2',
    ]);
    const best = second.history.find(({ round }) => round === second.bestRound)?.score?.value ?? NaN;
    const score = figures.getByRole('row', { name: /Balanced accuracy/ });
    expect((await score.getByRole('cell').allTextContents())[2]).toBe(best.toFixed(3));
    const differences = maria.page.getByRole('table', { name: 'Configuration' });
    const batch = differences.getByRole('row', { name: /Images per step/ });
    expect((await batch.getByRole('cell').allTextContents()).slice(1)).toEqual(['4', '2']);
    expect(await differences.getByRole('row', { name: /[Bb]ackbone/ }).count()).toBe(0);
  });

  it('downloads the model and the figures', async () => {
    await maria.open('#/runs/second');
    const model = await saved('Best model');
    const { bestRound } = await detail('second');
    expect(model.suggestedFilename()).toBe(`second-round-${String(bestRound)}.safetensors`);
    const bytes = await readFile(await model.path());
    const head = Number(bytes.readBigUInt64LE(0));
    const tensors = JSON.parse(bytes.toString('utf8', 8, 8 + head)) as Record<
      string,
      { data_offsets?: [number, number] }
    >;
    const ends = Object.values(tensors).map(({ data_offsets: [, end] = [0, 0] }) => end);
    const { configuration } = await detail('second');
    expect(Math.max(...ends)).toBe(4 * Number(configuration['parameters']));
    expect(bytes).toHaveLength(8 + head + Math.max(...ends));
    const csv = await readFile(await (await saved('Results as CSV')).path(), 'utf8');
    const json = JSON.parse(await readFile(await (await saved('Results as JSON')).path(), 'utf8')) as RunResults;
    expect(csv.trim().split('\n')).toHaveLength(json.rows.length + 1);
    expect(json.rows.filter(({ hospital }) => hospital === null).map(({ round }) => round)).toEqual([1, 2]);
    // What a sum hides is empty, not zero.
    expect(json.rows.filter(({ hospital }) => hospital !== null).every(({ loss }) => loss === null)).toBe(true);
  });

  it('was asked of nobody else, and never with a token in an address', () => {
    const tokens = /[A-Za-z0-9_-]{43}/;
    expect(maria.addresses.filter((address) => tokens.test(address.split('#')[0] ?? ''))).toEqual([]);
    // While the coordinator was away, its pages could not be loaded.
    expect(maria.problems.filter((problem) => !/ERR_CONNECTION|WebSocket connection/.test(problem))).toEqual([]);
  });
});
