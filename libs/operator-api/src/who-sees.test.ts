/**
 * Claims: what people read of a run says c and t as libs/secagg/SPEC.md has them, shouts where c was lowered and where the
 * coordinator sees each update, and says how few others a sum can have. Oracle: the table of privacy.md A.3, by hand.
 */
import { expect, it } from 'vitest';
import type { RunConfig } from '@consilium/protocol';
import { collusionLine, whoSees } from './who-sees.js';

it.each([
  [3, 0, 'c = 0 of 3 hospitals may collude with the coordinator and see no single update; t = 2 open a sum'],
  [3, 1, /^c = 1 of 3 .*; t = 3 open a sum; who colludes sees the sum of 2 others, at least$/],
  [10, 3, /^c = 3 of 10 hospitals [^(]*; t = 7 open a sum; .* the sum of 4 others/],
  [10, 0, /^c = 0 of 10 .* \(FEWER THAN THE USUAL 3\); t = 6 open a sum$/],
  [200, 66, /^c = 66 of 200 [^(]*; t = 134 open a sum; .* the sum of 68 others/],
])('%i hospitals, c = %i', (hospitals, tolerated, line) => {
  expect(collusionLine({ hospitals, tolerated })).toMatch(line);
});

it('is part of what a hospital reads in the mode secagg; in the mode sealed the coordinator sees each', () => {
  const roster = Array.from({ length: 4 }, () => ({}) as RunConfig['roster'][number]);
  const secagg = { tolerated: 1, weightCap: 1, zMax: 1_024, stageTimeoutMs: 1 };
  expect(whoSees({ mode: 'secagg', secagg, roster })).toEqual([
    expect.stringContaining('no single one'),
    expect.stringContaining('the new shared head'),
    collusionLine({ hospitals: 4, tolerated: 1 }),
  ]);
  expect(whoSees({ mode: 'sealed', roster }).join()).toContain('EACH UPDATE');
  expect(whoSees({ mode: 'sealed', roster }).join()).not.toContain('c =');
});
