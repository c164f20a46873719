/**
 * Claims: (1) the longest possible pause doubles up to the limit, and is the first again after a reset; (2) pauses fill their
 * range, so that a thousand hospitals do not come back together; (3) a source of chance at its ends gives 0 and the limit.
 * Oracle: powers of two. (2) fails for an even source with a probability below 1e-9 for each tenth.
 */
import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { BackOff } from './back-off.js';

it('doubles up to its limit', () => {
  const pauses = new BackOff();
  expect(Array.from({ length: 8 }, () => pauses.nextMs())).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
  ]);
  pauses.reset();
  expect(pauses.nextMs()).toBe(500);
});

it('may be nothing at all', () => {
  const pauses = new BackOff(() => 0);
  expect([pauses.nextMs(), pauses.nextMs()]).toEqual([0, 0]);
});

it('fills its range', () => {
  const tenths = new Array<number>(10).fill(0);
  for (let k = 0; k < 1_000; k++) {
    const tenth = Math.min(9, Math.floor(new BackOff(randomInt).nextMs() / 50));
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // 100 expected, standard deviation 9.5.
  expect(Math.min(...tenths)).toBeGreaterThan(40);
  expect(Math.max(...tenths)).toBeLessThan(165);
});
