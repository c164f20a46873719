/**
 * Claims: (1) a leader renews its lease for as long as it leads, also while the store does not answer; (2) it says once that the
 * lease is lost; (3) given up, it asks nothing more, even if a renewal was under way: a timer would keep the process.
 * Oracle: a clock and a store that do what the test says.
 */
import { expect, it } from 'vitest';
import type { Lease, RunStore } from '@consilium/store';
import type { Clock } from './clock.js';
import { Leadership } from './leadership.js';

function world(renewals: (() => Promise<boolean>)[]) {
  const timers = new Set<() => void>();
  const said: string[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    after: (_delayMs, ring) => {
      timers.add(ring);
      return () => timers.delete(ring);
    },
    sleep: () => Promise.resolve(),
  };
  const store = {
    acquireLease: () => Promise.resolve<Lease>({ holder: 'test', token: 1 }),
    renewLease: () => renewals.shift()?.() ?? Promise.resolve(true),
    releaseLease: () => {
      said.push('released');
      return Promise.resolve();
    },
  } as Partial<RunStore> as RunStore;
  const gain = (): Promise<Leadership> =>
    Leadership.gain({
      store,
      clock,
      holder: 'test',
      waiting: () => said.push('waiting'),
      lost: () => said.push('lost'),
    });
  const tick = async (): Promise<void> => {
    for (const ring of [...timers]) {
      timers.delete(ring);
      ring();
    }
    await new Promise(setImmediate);
  };
  return { gain, tick, timers, said };
}

it('renews, also past a store that does not answer, until the lease is lost', async () => {
  const { gain, tick, timers, said } = world([
    () => Promise.resolve(true),
    () => Promise.reject(new Error('away')),
    () => Promise.resolve(false),
  ]);
  await gain();
  for (let time = 0; time < 5; time++) await tick();
  expect([said, timers.size]).toEqual([['lost'], 0]);
});

it.each([
  ['with yes', () => Promise.resolve(true)],
  ['with no', () => Promise.resolve(false)],
  ['with a closed store', () => Promise.reject(new Error('closed'))],
])('asks nothing more once it was given up, when a renewal is answered %s afterwards', async (_how, answer) => {
  let release!: () => void;
  const later = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { gain, tick, timers, said } = world([() => later.then(answer)]);
  const leadership = await gain();
  await tick();
  await leadership.giveUp();
  release();
  await tick();
  expect([said, timers.size]).toEqual([['released'], 0]);
});
