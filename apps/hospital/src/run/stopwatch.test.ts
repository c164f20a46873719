/** Claims: every moment counts for exactly one activity, also when work fails or lies within other work. Oracle: a clock by hand. */
import { describe, expect, it } from 'vitest';
import { Stopwatch } from './stopwatch.js';

const ZERO = { preparing: 0, training: 0, transfer: 0, evaluating: 0, waiting: 0 };

describe('Stopwatch', () => {
  it('waits until told otherwise, and goes back to what it did before', async () => {
    let now = 5_000;
    const stopwatch = new Stopwatch(() => now);
    now += 1_500;
    await stopwatch.during('training', async () => {
      now += 3_000;
      await stopwatch.during('transfer', () => {
        now += 250;
        return Promise.resolve();
      });
      now += 1_000;
    });
    now += 500;
    expect(stopwatch.seconds()).toEqual({ ...ZERO, waiting: 2, training: 4, transfer: 0.25 });
  });

  it('counts the time of work that fails, and hands on the failure', async () => {
    let now = 0;
    const stopwatch = new Stopwatch(() => now);
    const failing = stopwatch.during('preparing', () => {
      now += 700;
      return Promise.reject(new Error('no images'));
    });
    await expect(failing).rejects.toThrow('no images');
    now += 300;
    expect(stopwatch.seconds()).toEqual({ ...ZERO, preparing: 0.7, waiting: 0.3 });
  });

  it('may be read in the middle', () => {
    let now = 0;
    const stopwatch = new Stopwatch(() => now);
    now += 1_000;
    expect(stopwatch.seconds().waiting).toBe(1);
    now += 1_000;
    expect(stopwatch.seconds().waiting).toBe(2);
  });
});
