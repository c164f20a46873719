/**
 * Claims, with 200 hospitals and 10,000 events: whatever is in the list, only what is in sight is in the page; scrolling to
 * the end fetches older entries until all are there; a screen reader is told how many there are; and everything is reached and
 * done without a mouse: the way past the navigation, filters, lists, a dialog that keeps the focus and gives it back. Oracle:
 * the number of rows in the document, and the element that has the focus. How fast it answers: `npm run bench -- console`.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showAll } from '../bench/console.js';
import { chromiumPath, openChromium } from './chromium.js';
import { openPage } from './pages.js';
import { makeScene } from './scenes.js';
import { openStage, type StagedCoordinator } from './staged-coordinator.js';

const ROWS_IN_PAGE = 80;

describe.skipIf(chromiumPath() === undefined)('200 hospitals and 10,000 events', () => {
  let browser: Browser;
  let stage: StagedCoordinator;
  beforeAll(async () => {
    stage = await openStage(makeScene({ hospitals: 200, events: 10_000 }));
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  /** Name and role of what has the focus. */
  const focused = (page: Page): Promise<string> =>
    page.evaluate(
      `(() => { const e = document.activeElement; return (e.getAttribute('role') ?? e.tagName.toLowerCase()) + ' ' + (e.getAttribute('aria-label') ?? e.textContent).trim(); })()`,
    );
  async function tabTo(page: Page, wanted: RegExp): Promise<void> {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      if (wanted.test(await focused(page))) return;
    }
    throw new Error(`no Tab leads to ${String(wanted)}; the last was ${await focused(page)}`);
  }

  it('are in the lists, and only those in sight in the page', async () => {
    const { page, problems } = await openPage(browser, `${stage.url}#/activity`);
    await showAll(page);
    const table = page.getByRole('table', { name: 'Activity' });
    expect(await table.getAttribute('aria-rowcount')).toBe('10001');
    expect(await table.locator('tbody tr').count()).toBeLessThan(ROWS_IN_PAGE);
    await page.goto(`${stage.url}#/hospitals`);
    const roster = page.getByRole('table', { name: 'Hospitals' });
    await roster.waitFor();
    expect(await roster.getAttribute('aria-rowcount')).toBe('201');
    expect(await roster.locator('tbody tr').count()).toBeLessThan(ROWS_IN_PAGE);
    await page.goto(`${stage.url}#/`);
    const places = page.getByRole('table', { name: 'Hospitals and their place in the round' });
    await places.waitFor();
    expect(await places.getAttribute('aria-rowcount')).toBe('201');
    expect(await places.locator('tbody tr').count()).toBeLessThan(ROWS_IN_PAGE);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('are reached without a mouse', async () => {
    const { page } = await openPage(browser, `${stage.url}#/`);
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('button Skip to the content');
    await page.keyboard.press('Enter');
    await tabTo(page, /^button \d+ done/);
    await page.keyboard.press('Enter');
    const places = page.getByRole('table', { name: 'Hospitals and their place in the round' });
    expect(await places.getByText('Late', { exact: true }).count()).toBe(0);
    // The list is a stop of its own, and is scrolled by its keys.
    await tabTo(page, /^group Hospitals and their place in the round/);
    const scrolled = 'document.activeElement.scrollTop';
    await page.keyboard.press('End');
    await expect.poll(() => page.evaluate(scrolled)).toBeGreaterThan(0);

    await page.goto(`${stage.url}#/runs/xray-autumn`);
    await page.getByRole('heading', { level: 1, name: /xray-autumn/ }).waitFor();
    await tabTo(page, /^button Abort/);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Abort xray-autumn?' });
    await dialog.waitFor();
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(`document.activeElement.closest('[role=dialog]') !== null`)).toBe(true);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => focused(page)).toBe('button Abort');

    // From a page to another by its link alone.
    await tabTo(page, /^a Hospitals$/).catch(() => tabTo(page, /^a Hospitals$/));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Hospitals' }).waitFor();
    await tabTo(page, /^button Details of/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toMatch(/^button Details of/);
    await page.context().close();
  });
});
