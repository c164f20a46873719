/**
 * Claims: the vectors of a sum go when it is older than the window, and not before; those of a run that ended go with it; a
 * sealed run that goes on loses none; a store that fails ends nothing, and is tried again.
 * Oracle: the names of what is left, in a store that only remembers names.
 */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { RunRow, StoredEvent } from '@consilium/store';
import { VectorWindow } from './vector-window.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-06-30T12:00:00Z');
const daysAgo = (days: number): string => new Date(NOW_MS - days * DAY_MS).toISOString();

interface Run {
  readonly ended?: boolean;
  /** Type and round, and how many days ago. */
  readonly events: readonly (readonly [type: string, round: number, days: number])[];
}

function windowOf(runs: Readonly<Record<string, Run>>, days = 30) {
  const removed: string[] = [];
  const rows = Object.entries(runs).map(([runId, { ended = false, events }]): RunRow => {
    return { runId, createdAt: daysAgo(99), ended, events: events.length };
  });
  const store = {
    failing: false,
    runs: () => Promise.resolve(rows),
    async *events(runId: string): AsyncIterable<StoredEvent> {
      for (const [seq, [type, round, ago]] of (runs[runId]?.events ?? []).entries()) {
        yield await Promise.resolve({ seq, at: daysAgo(ago), event: JSON.stringify({ type, round }) });
      }
    },
    blobs: {
      remove: (_: unknown, runId: string, prefix: string) => {
        if (store.failing) return Promise.reject(new Error('down'));
        removed.push(`${runId} ${prefix}`);
        return Promise.resolve();
      },
    },
  };
  const lease = { holder: 'test', token: 1 };
  const log = pino({ enabled: false });
  return { store, removed, window: new VectorWindow({ store, lease: () => lease, log, days }) };
}

const SECURE: Run['events'] = [
  ['plan-signed', 1, 40],
  ['opened', 1, 31],
  ['plan-signed', 2, 31],
  ['opened', 2, 29],
  ['plan-signed', 3, 1],
];

it('removes the vectors of sums that are older than the window', async () => {
  const { removed, window } = windowOf({ going: { events: SECURE } });
  await window.sweep(NOW_MS);
  expect(removed).toEqual(['going update/1']);
  await window.sweep(NOW_MS + 2 * DAY_MS);
  expect(removed.slice(1)).toEqual(['going update/1', 'going update/2']);
});

it('removes all of a run that ended before the window, once', async () => {
  const { removed, window } = windowOf({ done: { ended: true, events: SECURE } });
  await window.sweep(NOW_MS);
  expect(removed).toEqual(['done update/1']);
  await window.sweep(NOW_MS + 30 * DAY_MS);
  await window.sweep(NOW_MS + 60 * DAY_MS);
  expect(removed.slice(1)).toEqual(['done update']);
});

it('keeps none where the window has no length, and all of a sealed run that goes on', async () => {
  const { removed, window } = windowOf(
    { sealed: { events: [['plan-signed', 1, 90]] }, going: { events: SECURE.slice(0, 2) } },
    0,
  );
  await window.sweep(NOW_MS);
  expect(removed).toEqual(['going update/1']);
});

it('goes on after a failure', async () => {
  const { store, removed, window } = windowOf({ going: { events: SECURE } });
  store.failing = true;
  await expect(window.sweep(NOW_MS)).rejects.toThrow('down');
  store.failing = false;
  await window.sweep(NOW_MS);
  expect(removed).toEqual(['going update/1']);
});
