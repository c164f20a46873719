/**
 * Claims: no page, in either theme and at the width of a phone and of a desk, has anything that axe finds against WCAG 2.2 A
 * and AA; none is wider than the window; nothing that the browser loads or runs is against a policy without inline scripts and
 * styles, and nothing is asked of another origin. Oracle: axe-core, and Chromium's own complaints.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overflowOf, violations } from './axe.js';
import { chromiumPath, everything, openChromium } from './chromium.js';
import { openPage, PAGES } from './pages.js';
import { makeScene } from './scenes.js';
import { openStage, type StagedCoordinator } from './staged-coordinator.js';

const places = everything ? PAGES : PAGES.filter(({ name }) => name === 'now' || name === 'run' || name === 'new-run');
const looks = everything
  ? ([
      [1_360, 'light'],
      [1_360, 'dark'],
      [390, 'light'],
      [390, 'dark'],
    ] as const)
  : ([[1_360, 'light']] as const);

describe.skipIf(chromiumPath() === undefined)('accessibility', () => {
  let browser: Browser;
  let stage: StagedCoordinator;
  beforeAll(async () => {
    browser = await openChromium();
    stage = await openStage(makeScene({ hospitals: 1 }));
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  describe.each(looks)('%i px, %s', (width, scheme) => {
    it.each(places)('$name', async ({ hash, scene }) => {
      stage.scene = makeScene(scene);
      const { page, problems } = await openPage(browser, `${stage.url}${hash}`, { width, scheme });
      expect(await violations(page)).toEqual([]);
      expect(await overflowOf(page)).toBe(0);
      expect(problems).toEqual([]);
      await page.context().close();
    });
  });
});
