/**
 * Not a test: with CONSILIUM_PICTURES=FOLDER it takes a picture of every page at two widths and in both themes, for people to
 * look at.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openChromium } from './chromium.js';
import { PAGES, openPage } from './pages.js';
import { makeScene } from './scenes.js';
import { openStage } from './staged-coordinator.js';

const folder = process.env.CONSILIUM_PICTURES;

describe.runIf(folder !== undefined)('pictures', () => {
  it('of every page', async () => {
    const stage = await openStage(makeScene({ hospitals: 8, mode: 'sealed' }));
    const browser = await openChromium();
    await mkdir(String(folder), { recursive: true });
    const only = process.env.CONSILIUM_PAGES?.split(',');
    for (const [width, height] of [
      [1_360, 900],
      [390, 844],
    ] as const) {
      for (const scheme of ['light', 'dark'] as const) {
        for (const { name, hash, scene } of PAGES) {
          if (only !== undefined && !only.includes(name)) continue;
          stage.scene = makeScene(scene);
          const { page, problems } = await openPage(browser, `${stage.url}${hash}`, { width, height, scheme });
          await page.screenshot({ path: join(String(folder), `${name}-${width}-${scheme}.png`), fullPage: true });
          if (problems.length > 0) console.log(name, problems);
          await page.context().close();
        }
      }
    }
    await browser.close();
    await stage.close();
  }, 600_000);
});
