/** Every page of the console in the states that are worth looking at, and how a browser comes there. */
import type { Browser, Page } from 'playwright-core';
import type { SceneOptions } from './scenes.js';

export interface Place {
  readonly name: string;
  readonly hash: string;
  readonly scene: SceneOptions;
}

export const PAGES: readonly Place[] = [
  { name: 'now', hash: '#/', scene: { hospitals: 8 } },
  { name: 'now-paused', hash: '#/', scene: { hospitals: 8, paused: true } },
  { name: 'now-200', hash: '#/', scene: { hospitals: 200 } },
  { name: 'now-empty', hash: '#/', scene: { hospitals: 0, empty: true } },
  { name: 'runs', hash: '#/runs', scene: { hospitals: 8 } },
  { name: 'run', hash: '#/runs/xray-summer', scene: { hospitals: 8 } },
  { name: 'run-secagg', hash: '#/runs/xray-autumn', scene: { hospitals: 8 } },
  { name: 'compare', hash: '#/compare?a=xray-summer&b=xray-autumn', scene: { hospitals: 8 } },
  { name: 'hospitals', hash: '#/hospitals', scene: { hospitals: 8 } },
  { name: 'hospitals-empty', hash: '#/hospitals', scene: { hospitals: 0, empty: true } },
  { name: 'new-run', hash: '#/new-run', scene: { hospitals: 8 } },
  { name: 'activity', hash: '#/activity', scene: { hospitals: 8 } },
  { name: 'operators', hash: '#/operators', scene: { hospitals: 8 } },
  { name: 'unknown', hash: '#/elsewhere', scene: { hospitals: 8 } },
  { name: 'sign-in', hash: '', scene: { hospitals: 8, role: null } },
  { name: 'setup', hash: `#setup=${'a'.repeat(43)}`, scene: { hospitals: 8, role: null } },
];

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
}

export interface OpenedPage {
  readonly page: Page;
  /** What the browser complained of: errors, refusals of the policy, and requests to anybody else. */
  readonly problems: string[];
}

/** Waits until what is there is there. */
export async function openPage(browser: Browser, url: string, options: PageOptions = {}): Promise<OpenedPage> {
  const { width = 1_360, height = 900, scheme = 'light' } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const problems = watch(page, new URL(url).origin);
  await page.goto(url);
  await settled(page);
  return { page, problems };
}

export function watch(page: Page, origin: string): string[] {
  const problems: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    // The answer "nobody is signed in" is a part of how it works.
    if (message.type() === 'error' && !text.includes('401')) problems.push(text);
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (asked !== origin && protocol.startsWith('http')) problems.push(`a request to ${asked}`);
  });
  return problems;
}

export async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor();
  await page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' });
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 250)));
}
