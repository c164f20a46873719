/** Claims: a connection has one second's messages at once and then that many a second, never saved up. Oracle: a clock by hand. */
import { describe, expect, it } from 'vitest';
import { limits } from '@consilium/protocol';
import { RateLimit } from './rate.js';

const PER_SECOND = limits.messagesPerSecond;
const takeAll = (rate: RateLimit): number => {
  for (let taken = 0; ; taken++) if (!rate.take()) return taken;
};

describe('RateLimit', () => {
  it('gives a burst, then nothing while no time passes', () => {
    const rate = new RateLimit(() => 0);
    expect([takeAll(rate), takeAll(rate)]).toEqual([PER_SECOND, 0]);
  });

  it('refills with time, by fractions too, and forgets what was not used', () => {
    let now = 1_000_000;
    const rate = new RateLimit(() => now);
    takeAll(rate);
    now += 250;
    expect(takeAll(rate)).toBe(PER_SECOND / 4);
    for (let k = 0; k < 3; k++) {
      now += 250 / PER_SECOND;
      expect(rate.take()).toBe(false);
    }
    now += 500 / PER_SECOND;
    expect(rate.take()).toBe(true);
    now += 3_600_000;
    expect(takeAll(rate)).toBe(PER_SECOND);
  });
});
