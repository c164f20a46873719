/** Claim: the example of the README compiles, runs and says the truth about its result. Oracle: the README's own text. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { applyMean, checkUpdate, WeightedMean } from './index.js';

const received = new Map([
  ['ward-a', { examples: 300, update: Float32Array.of(0.5, 1, -1, 0) }],
  ['ward-b', { examples: 100, update: Float32Array.of(0.5, -3, 1, 0) }],
]);
const global = Float32Array.of(1, 1, 1, 1);

it('runs the example of the README', () => {
  // example
  const mean = new WeightedMean(4);
  for (const [, { examples, update }] of [...received].sort(([a], [b]) => (a < b ? -1 : 1))) {
    mean.add(checkUpdate(update, { parameters: 4, maxNorm: 10 }), examples);
  }
  const next = applyMean(global, mean.result()); // [1.5, 1, 0.5, 1]
  // end
  expect([...next]).toEqual([1.5, 1, 0.5, 1]);

  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split('// example\n')[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
});
