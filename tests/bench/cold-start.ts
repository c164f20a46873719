/** From starting the demonstration on its defaults to its first averaged round, and to its end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childLines } from './child-lines.js';

const DEMO = fileURLToPath(new URL('../../../apps/demo/dist/main.js', import.meta.url));

export async function coldStart(): Promise<object> {
  const out = await mkdtemp(join(tmpdir(), 'consilium-bench-'));
  const startedMs = performance.now();
  let firstRoundSeconds = Number.NaN;
  const demo = childLines(DEMO, ['--out', out, '--format', 'json'], (line) => {
    if (line.includes('round 1 averaged')) firstRoundSeconds = (performance.now() - startedMs) / 1_000;
  });
  await demo.exit;
  const totalSeconds = (performance.now() - startedMs) / 1_000;
  await rm(out, { recursive: true });
  return { bench: 'cold-start', firstRoundSeconds, totalSeconds };
}
