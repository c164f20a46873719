/**
 * Claims: pages of the activity, newest first, hold every action and event once and in one order, whatever the size of a
 * page and however many arrive meanwhile; filters leave exactly what fits; an export is the same, oldest first; a table holds
 * no formula; a run that the store cannot give back whole hides nothing but what it has lost. Oracle: everything in one array, sorted and filtered here.
 */
import { describe, expect, it } from 'vitest';
import type { ActivityEntry, ActivityQuery } from '@consilium/operator-api';
import { StoreError, type RunStore, type StoredEvent } from '@consilium/store';
import type { KeptAction } from '../operators/activity-log.js';
import { Activity } from './activity.js';
import { csvLine } from './csv.js';

const START = Date.parse('2026-03-01T09:00:00Z');
const at = (second: number): string => new Date(START + second * 1_000).toISOString();

const actions: KeptAction[] = Array.from({ length: 50 }, (_, seq) => ({
  ...{ seq, at: at(seq * 7), by: { kind: 'operator', name: seq % 2 === 0 ? 'olga' : 'vera', role: 'owner' } },
  ...{ action: seq % 3 === 0 ? 'run.pause' : 'operator.add', outcome: seq % 5 === 0 ? 'refused' : 'allowed' },
  ...{ code: null, run: seq % 3 === 0 ? 'first' : null, hospital: null, operator: seq % 3 === 0 ? null : 'wim' },
  ...{ detail: {}, prev: '', hash: '' },
}));

const logs: Record<string, StoredEvent[]> = { first: [], second: [] };
for (let seq = 0; seq < 60; seq++) {
  const hospitalId = `hospital-${seq % 4}`;
  const event = seq % 2 === 0 ? { type: 'connected', hospitalId } : { type: 'update-accepted', update: { hospitalId } };
  logs['first']?.push({ seq, at: at(seq * 5), event: JSON.stringify(event) });
  // Some of them at the same moment as those of the first.
  logs['second']?.push({ seq, at: at(Math.floor(seq / 3) * 15), event: JSON.stringify({ type: 'timer', key: 'k' }) });
}

const store: Pick<RunStore, 'runs' | 'events'> = {
  runs: () =>
    Promise.resolve(
      Object.entries(logs).map(([runId, log]) => ({ runId, createdAt: at(0), ended: false, events: log.length })),
    ),
  async *events(runId, from = 0) {
    await Promise.resolve();
    yield* (logs[runId] ?? []).slice(from);
  },
};

const activity = () => new Activity({ store, actions: () => actions });

async function pages(query: Partial<ActivityQuery>, limit: number): Promise<ActivityEntry[]> {
  const view = activity();
  const all: ActivityEntry[] = [];
  for (let before: string | undefined; ;) {
    const page = await view.page({ ...query, limit, ...(before !== undefined && { before }) });
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    all.push(...page.entries);
    if (page.next === null) return all;
    before = page.next;
  }
}

const exported = async (query: Partial<ActivityQuery>): Promise<ActivityEntry[]> => {
  const all: ActivityEntry[] = [];
  for await (const entry of activity().all(query)) all.push(entry);
  return all;
};

describe('the activity', () => {
  it.each([1, 7, 100, 1_000])('in pages of %i is everything, once, newest first', async (limit) => {
    const all = await pages({}, limit);
    expect(new Set(all.map(({ id }) => id)).size).toBe(170);
    const times = all.map((entry) => Date.parse(entry.at));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(all.map(({ id }) => id)).toEqual((await pages({}, 13)).map(({ id }) => id));
  });

  const filters: [Partial<ActivityQuery>, (entry: ActivityEntry) => boolean][] = [
    [{ kind: 'action' }, ({ kind }) => kind === 'action'],
    [{ kind: 'event' }, ({ kind }) => kind === 'event'],
    [{ run: 'first' }, ({ run }) => run === 'first'],
    [{ hospital: 'hospital-3' }, ({ hospital }) => hospital === 'hospital-3'],
    [{ operator: 'wim' }, (entry) => entry.kind === 'action' && entry.operator === 'wim'],
    [{ operator: 'vera' }, (entry) => entry.kind === 'action' && entry.by.name === 'vera'],
    [{ type: 'run.pause' }, (entry) => entry.kind === 'action' && entry.action === 'run.pause'],
    [{ type: 'timer', run: 'second' }, (entry) => entry.kind === 'event' && entry.type === 'timer'],
    [{ outcome: 'refused' }, (entry) => entry.kind === 'action' && entry.outcome === 'refused'],
    [{ since: at(60), until: at(120) }, (entry) => entry.at >= at(60) && entry.at <= at(120)],
    [{ run: 'none' }, () => false],
  ];
  it.each(filters)('filtered by %j is what fits, also in an export', async (query, fits) => {
    const wanted = (await pages({}, 1_000)).filter(fits);
    expect(await pages(query, 9)).toEqual(wanted);
    expect(await exported(query)).toEqual(wanted.toReversed());
  });

  it('goes on where a page ended while more arrives', async () => {
    const view = activity();
    const { entries, next } = await view.page({ limit: 10 });
    const extra = { seq: 60, at: at(1_000), event: '{"type":"stop"}' };
    logs['first']?.push(extra);
    const second = await view.page({ limit: 10, before: next ?? '' });
    logs['first']?.pop();
    expect([...entries, ...second.entries]).toEqual((await pages({}, 1_000)).slice(0, 20));
  });

  it.each(['x', '1_2', '1_2_../../x', `${'9'.repeat(40)}_1_`])('refuses the place %j', async (before) => {
    await expect(activity().page({ before, limit: 1 })).rejects.toMatchObject({ code: 'QUERY_INVALID' });
  });
});

it.each([
  ['STORE_CORRUPT', 60 + 50 + 20],
  ['STORE_UNAVAILABLE', undefined],
] as const)('of a run whose event 20 is %s', async (code, entries) => {
  const view = new Activity({
    store: {
      ...store,
      async *events(runId, from = 0) {
        for await (const stored of store.events(runId, from)) {
          if (runId === 'second' && stored.seq === 20) throw new StoreError(code, 'event 20');
          yield stored;
        }
      },
    },
    actions: () => actions,
  });
  const page = view.page({ limit: 1_000 });
  if (entries === undefined) await expect(page).rejects.toMatchObject({ code });
  else expect((await page).entries).toHaveLength(entries);
});

it('a table holds text, never a formula', () => {
  expect(csvLine(['=1+1', '+a', '-b', '@c', 'plain', 'a,"b"\n', -3, null])).toBe(
    `'=1+1,'+a,'-b,'@c,plain,"a,""b""\n",-3,\r\n`,
  );
});
