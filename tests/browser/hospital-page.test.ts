/**
 * Claims: the hospital's own page, as a browser shows it, has nothing that axe finds against WCAG 2.2 A and AA in either theme
 * and at the width of a phone and of a desk, is not wider than the window, keeps its key out of the address bar, and shows
 * markup in a name as text. Oracle: axe-core, and Chromium's own address and dialogs.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { FactFinder, servePage, Story, type OpenPage } from '@consilium/hospital';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overflowOf, violations } from './axe.js';
import { chromiumPath, everything, openChromium } from './chromium.js';

const EVIL = '<img src=x onerror=alert(1)>';
const LOOKS = [
  [1_360, 'light'],
  [1_360, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const;
const looks = everything ? LOOKS : LOOKS.slice(0, 1);

describe.skipIf(chromiumPath() === undefined)("the hospital's page", () => {
  let browser: Browser;
  let home: string;
  let own: OpenPage;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'consilium-hospital-page-'));
    const facts = new FactFinder({
      ...{ hospital: 'north', home, config: { coordinator: 'http://127.0.0.1:1', threads: 1 }, story: new Story() },
      approvals: { pending: () => Promise.resolve([]), decided: () => Promise.resolve([]) },
      node: () => ({
        ...{ pid: 1, since: '2026-01-01T00:00:00.000Z', line: 'connected', embedded: null, page: null },
        runs: [{ run: EVIL, stage: 'training', round: 2 }],
      }),
    });
    const nothing = (): Promise<void> => Promise.resolve();
    own = await servePage({
      ...{ hospital: 'north', port: 0, facts },
      wishes: { pause: nothing, resume: nothing, stop: nothing },
    });
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser.close();
    await own.close();
    await rm(home, { recursive: true, force: true });
  });

  it.each(looks)('%i px, %s', async (width, scheme) => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
    const page = await context.newPage();
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs += 1;
      void dialog.dismiss();
    });
    await page.goto(own.link);
    await page.getByText(EVIL).first().waitFor();
    expect(page.url()).not.toContain('key=');
    expect(await violations(page)).toEqual([]);
    expect(await overflowOf(page)).toBe(0);
    expect(dialogs).toBe(0);
    await context.close();
  });
});
