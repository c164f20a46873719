/**
 * Claims: every number has its unit, no value is rounded to a wrong one (999.6 kB is 1.0 MB, 59.6 s is 1 min), and what is
 * null is never 0. Oracle: texts written by hand, in English.
 */
import { describe, expect, it } from 'vitest';
import { bytes, clock, count, duration, figure, skew } from './format.js';

describe('numbers', () => {
  it.each([
    [bytes(0), '0 B'],
    [bytes(999), '999 B'],
    [bytes(1_000), '1.0 kB'],
    [bytes(24_660), '24.7 kB'],
    [bytes(999_499), '999 kB'],
    [bytes(999_600), '1.0 MB'],
    [bytes(7_340_000_000), '7.3 GB'],
    [bytes(null), '–'],
    [count(10_000), '10,000'],
    [count(null), '–'],
    [figure(0.8012), '0.801'],
    [figure(null), '–'],
    [duration(0.0421), '42 ms'],
    [duration(1.04), '1.0 s'],
    [duration(42.4), '42 s'],
    [duration(59.6), '1 min'],
    [duration(69), '1 min 9 s'],
    [duration(3_600), '1 h 0 min'],
    [duration(200_000), '2 d 7 h'],
    [duration(null), '–'],
    [clock(42.9), '0:42'],
    [clock(727), '12:07'],
    [clock(3_727), '1:02:07'],
    [clock(-3), '0:00'],
    [skew(-400), 'within 1 s'],
    [skew(61_000), '1 min 1 s ahead'],
    [skew(-5_000), '5.0 s behind'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
