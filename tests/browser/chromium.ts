/**
 * A real Chromium for the tests: the one named by CHROMIUM, one of the system, or the one that install-chromium.mjs fetched.
 * It has an empty profile and asks nobody anything.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];
/** Where install-chromium.mjs unpacks one when it may not install packages of the system. */
export const OWN_CHROMIUM = join(import.meta.dirname, '..', 'dist', 'chromium', 'chromium');

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** undefined: there is none on this machine. */
export function chromiumPath(): string | undefined {
  return [process.env.CHROMIUM ?? '', ...NAMES, OWN_CHROMIUM].find((path) => path !== '' && existsSync(path));
}

/** What takes minutes, or needs a browser that is not there yet, is run by `npm run test:browser` alone. */
export const everything = process.env.CONSILIUM_BROWSER === 'all';

export async function openChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('no chromium: run node tests/browser/install-chromium.mjs');
  return chromium.launch({ executablePath, args: ARGS });
}
