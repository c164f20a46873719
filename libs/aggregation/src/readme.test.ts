/** Claim: the examples of the README compile, run and say the truth about their results. Oracle: the README's own text. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { applyMean, checkUpdate, robustMean, WeightedMean } from './index.js';

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

  expectInReadme('example');
});

const ids = ['a', 'b', 'c', 'd', 'e'];
const readUpdate = (id: string | undefined, from: number, to: number): Promise<Float32Array> =>
  Promise.resolve(new Float32Array(4).fill(ids.indexOf(id ?? '')).subarray(from, to));

it('runs the robust example of the README', async () => {
  // robust example
  const rule = { rule: 'trimmed-mean', faulty: 1 } as const;
  const readBlock = (update: number, from: number, to: number) => readUpdate(ids[update], from, to);
  const { mean, exclusions } = await robustMean(rule, { count: 5, parameters: 4, readBlock }, { maxNorm: 10 });
  const robust = applyMean(global, mean);
  // end
  expect([[...robust], exclusions]).toEqual([[3, 3, 3, 3], []]);
  expectInReadme('robust example');
});

function expectInReadme(name: string): void {
  const source =
    readFileSync(new URL(import.meta.url), 'utf8')
      .split(`// ${name}\n`)[1]
      ?.split('  // end')[0] ?? '';
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replace(/^ {2}/gm, '').trim());
}
