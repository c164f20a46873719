/**
 * How fast the console answers a click, a key or a filter with 200 hospitals and 10,000 events: from the event until the next
 * frame that shows its effect is painted, as Chromium's Event Timing measures it (in steps of 8 ms; what took less than 16 ms
 * counts as 16). The coordinator is staged, so what is measured is the page.
 */
import { loadavg } from 'node:os';
import type { Page } from 'playwright-core';
import { openChromium } from '../browser/chromium.js';
import { openPage } from '../browser/pages.js';
import { makeScene } from '../browser/scenes.js';
import { openStage } from '../browser/staged-coordinator.js';
import { quantile } from './quantile.js';

export interface ConsoleFigures {
  readonly bench: 'console';
  readonly what: string;
  readonly samples: number;
  readonly medianMs: number;
  readonly maxMs: number;
  /** Of the machine in the minute before; more than its cores: others were at work. */
  readonly load: number;
}

const SHORTEST_MS = 16;
const REPEATS = 8;

interface Act {
  readonly what: string;
  readonly hash: string;
  /** Brings the page into the state that is measured. */
  readonly before?: (page: Page) => Promise<void>;
  readonly act: (page: Page, turn: number) => Promise<void>;
}

const choose = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click();

const ACTS: readonly Act[] = [
  {
    ...{ what: 'now: filter 200 hospitals by their state', hash: '#/' },
    act: (page, turn) => choose(page, turn % 2 === 0 ? /\d+ done/ : 'All'),
  },
  {
    ...{ what: 'runs: choose one', hash: '#/runs' },
    act: (page) => page.getByLabel('Choose xray-autumn for a comparison').click(),
  },
  {
    ...{ what: 'run: another figure for 200 hospitals', hash: '#/runs/xray-summer' },
    before: (page) => page.getByLabel('Show each hospital').check(),
    act: async (page, turn) => {
      await page.getByLabel('Figure').focus();
      await page.keyboard.press(turn % 2 === 0 ? 'ArrowDown' : 'ArrowUp');
    },
  },
  {
    ...{ what: 'hospitals: look at one of 200', hash: '#/hospitals' },
    act: async (page) => {
      await page
        .getByRole('button', { name: /^Details of/ })
        .nth(3)
        .click();
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
  },
  {
    ...{ what: 'activity: filter 10,000 events by kind', hash: '#/activity', before: showAll },
    act: async (page, turn) => {
      await page.getByLabel('Show', { exact: true }).focus();
      await page.keyboard.press(turn % 2 === 0 ? 'ArrowDown' : 'ArrowUp');
      await page.waitForTimeout(600);
    },
  },
  {
    ...{ what: 'activity: type into a filter of 10,000 events', hash: '#/activity', before: showAll },
    act: async (page) => {
      await page.getByLabel('Hospital').pressSequentially('n');
    },
  },
  {
    ...{ what: 'activity: page through 10,000 events', hash: '#/activity', before: showAll },
    act: async (page) => {
      await page.getByRole('group', { name: 'Activity' }).focus();
      await page.keyboard.press('PageUp');
      await page.waitForTimeout(200);
    },
  },
];

/** Scrolls until everything was fetched. */
export async function showAll(page: Page): Promise<void> {
  const frame = page.getByRole('group', { name: 'Activity' });
  for (;;) {
    await frame.focus();
    await page.keyboard.press('End');
    if ((await page.getByText('All 10000 entries').count()) > 0) return;
    await page.waitForTimeout(20);
  }
}

export async function consoleResponse(): Promise<ConsoleFigures[]> {
  const stage = await openStage(makeScene({ hospitals: 200, events: 10_000, rounds: 60 }));
  const browser = await openChromium();
  try {
    const figures: ConsoleFigures[] = [];
    for (const { what, hash, before, act } of ACTS) {
      const { page } = await openPage(browser, `${stage.url}${hash}`);
      await before?.(page);
      await page.evaluate(
        `window.taken = []; new PerformanceObserver((list) => { for (const { duration, interactionId } of list.getEntries()) if (interactionId > 0) window.taken.push(duration); }).observe({ type: 'event', durationThreshold: ${SHORTEST_MS} })`,
      );
      const taken: number[] = [];
      for (let turn = 0; turn < REPEATS; turn++) {
        await act(page, turn);
        await page.waitForTimeout(150);
        const slow = await page.evaluate<number[]>('window.taken.splice(0)');
        taken.push(Math.max(SHORTEST_MS, ...slow));
      }
      await page.context().close();
      taken.sort((a, b) => a - b);
      figures.push({
        ...{ bench: 'console', what, samples: taken.length },
        ...{ medianMs: quantile(taken, 0.5), maxMs: taken.at(-1) ?? 0, load: loadavg()[0] ?? 0 },
      });
    }
    return figures;
  } finally {
    await browser.close();
    await stage.close();
  }
}
