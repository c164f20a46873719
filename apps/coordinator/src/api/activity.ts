/** The actions of operators and the events of runs as one history, newest first, or oldest first for an export. */
import type {
  ActivityEntry,
  ActivityExportQuery,
  ActivityPage,
  ActivityQuery,
  EventEntry,
} from '@consilium/operator-api';
import type { RunStore, StoredEvent } from '@consilium/store';
import type { KeptAction } from '../operators/activity-log.js';
import { isDeposing, mayPass } from '../run/store-troubles.js';
import { ApiError } from './api-error.js';
import { EventIndex } from './event-index.js';

export interface ActivityParts {
  readonly store: Pick<RunStore, 'runs' | 'events'>;
  /** Oldest first. */
  readonly actions: () => readonly KeptAction[];
}

type Filter = Omit<ActivityExportQuery, 'format'>;

/** A place in the history: time, then source (actions before runs, those by name), then number. */
interface Place {
  readonly atMs: number;
  readonly source: string;
  readonly seq: number;
}

const ACTIONS = '';
const idOf = ({ atMs, source, seq }: Place): string => `${atMs}_${seq}_${source}`;

function placeOf(id: string): Place {
  const [, atMs, seq, source = ''] = /^(\d{1,16})_(\d{1,12})_([a-z0-9-]{0,63})$/.exec(id) ?? [];
  if (atMs === undefined) throw new ApiError('QUERY_INVALID', 'before: expected the `next` of a page');
  return { atMs: Number(atMs), seq: Number(seq), source };
}

const compare = (a: Place, b: Place): number =>
  a.atMs - b.atMs || (a.source === b.source ? a.seq - b.seq : a.source < b.source ? -1 : 1);

/** What can be asked of one source without reading it whole. */
interface Source {
  readonly length: number;
  place(i: number): Place;
  fits(i: number): boolean;
}

export class Activity {
  readonly #indexes = new Map<string, EventIndex>();

  constructor(private readonly parts: ActivityParts) {}

  /** @throws {@link ApiError} `QUERY_INVALID`. */
  async page({ before, limit, ...filter }: ActivityQuery): Promise<ActivityPage> {
    const end = before === undefined ? undefined : placeOf(before);
    const sources = await this.#sources(filter);
    const heads = sources.map((source) => ({ source, i: lastBefore(source, end) }));
    for (const head of heads) skip(head);
    const places: Place[] = [];
    while (places.length < limit) {
      let newest: (typeof heads)[number] | undefined;
      for (const head of heads) {
        if (head.i < 0) continue;
        if (newest === undefined || compare(head.source.place(head.i), newest.source.place(newest.i)) > 0)
          newest = head;
      }
      if (newest === undefined) break;
      places.push(newest.source.place(newest.i));
      newest.i -= 1;
      skip(newest);
    }
    const last = places.at(-1);
    const isMore = last !== undefined && heads.some(({ i }) => i >= 0);
    return { entries: await this.#entries(places), next: isMore ? idOf(last) : null };
  }

  /** Oldest first, as it is read: a long history is never in memory. */
  async *all(filter: Filter): AsyncGenerator<ActivityEntry> {
    const streams: AsyncIterator<readonly [Place, ActivityEntry]>[] = [];
    if (filter.kind !== 'event') streams.push(this.#actionsOf(filter));
    if (filter.kind !== 'action' && isAboutEvents(filter)) {
      for (const { runId } of await this.parts.store.runs()) {
        if (filter.run === undefined || filter.run === runId) streams.push(this.#eventsOf(runId, filter));
      }
    }
    const heads = await Promise.all(streams.map(async (stream) => ({ stream, head: await stream.next() })));
    for (;;) {
      let oldest: (typeof heads)[number] | undefined;
      for (const one of heads) {
        if (one.head.done === true) continue;
        if (oldest?.head.done !== false || compare(one.head.value[0], oldest.head.value[0]) < 0) oldest = one;
      }
      if (oldest?.head.done !== false) return;
      yield oldest.head.value[1];
      oldest.head = await oldest.stream.next();
    }
  }

  async #sources(filter: Filter): Promise<Source[]> {
    const within = withinTimes(filter);
    const actions = this.parts.actions();
    const sources: Source[] = [];
    if (filter.kind !== 'event') {
      sources.push({
        length: actions.length,
        place: (i) => actionPlace(actions[i] as KeptAction),
        fits: (i) => fitsAction(filter, actions[i] as KeptAction) && within(Date.parse((actions[i] as KeptAction).at)),
      });
    }
    if (filter.kind === 'action' || !isAboutEvents(filter)) return sources;
    for (const { runId, events } of await this.parts.store.runs()) {
      if (filter.run !== undefined && filter.run !== runId) continue;
      const index = this.#indexes.get(runId) ?? new EventIndex();
      this.#indexes.set(runId, index);
      // A run that the store cannot give back is shown as far as it can be read; an export of it fails instead.
      await index.readOn(this.parts.store, runId, events).catch((error: unknown) => {
        if (isDeposing(error) || mayPass(error)) throw error;
      });
      sources.push({
        length: index.length,
        place: (i) => ({ atMs: index.atMs(i), source: runId, seq: i }),
        fits: (i) =>
          (filter.type === undefined || index.type(i) === filter.type) &&
          (filter.hospital === undefined || index.hospital(i) === filter.hospital) &&
          within(index.atMs(i)),
      });
    }
    return sources;
  }

  /** In the order of the places. */
  async #entries(places: readonly Place[]): Promise<ActivityEntry[]> {
    const wanted = new Map<string, Set<number>>();
    for (const { source, seq } of places) {
      if (source !== ACTIONS) wanted.set(source, (wanted.get(source) ?? new Set()).add(seq));
    }
    const events = new Map<string, EventEntry>();
    for (const [runId, seqs] of wanted) {
      const last = Math.max(...seqs);
      for await (const stored of this.parts.store.events(runId, Math.min(...seqs))) {
        if (seqs.has(stored.seq)) events.set(`${runId} ${stored.seq}`, eventEntry(runId, stored));
        if (stored.seq >= last) break;
      }
    }
    const actions = this.parts.actions();
    return places.flatMap((place) => {
      if (place.source !== ACTIONS) return events.get(`${place.source} ${place.seq}`) ?? [];
      const action = actions.find(({ seq }) => seq === place.seq);
      return action === undefined ? [] : actionEntry(action);
    });
  }

  async *#actionsOf(filter: Filter): AsyncGenerator<readonly [Place, ActivityEntry]> {
    const within = withinTimes(filter);
    for (const action of [...this.parts.actions()]) {
      // A turn for others: many lines are written without a pause.
      if (action.seq % 1_000 === 999) await Promise.resolve();
      if (fitsAction(filter, action) && within(Date.parse(action.at))) yield [actionPlace(action), actionEntry(action)];
    }
  }

  async *#eventsOf(runId: string, filter: Filter): AsyncGenerator<readonly [Place, ActivityEntry]> {
    const within = withinTimes(filter);
    for await (const stored of this.parts.store.events(runId)) {
      const entry = eventEntry(runId, stored);
      const atMs = Date.parse(entry.at);
      if (filter.type !== undefined && filter.type !== entry.type) continue;
      if (filter.hospital !== undefined && filter.hospital !== entry.hospital) continue;
      if (within(atMs)) yield [{ atMs, source: runId, seq: stored.seq }, entry];
    }
  }
}

function skip(head: { readonly source: Source; i: number }): void {
  while (head.i >= 0 && !head.source.fits(head.i)) head.i -= 1;
}

/** By halving: places of a source only grow. */
function lastBefore(source: Source, end: Place | undefined): number {
  if (end === undefined) return source.length - 1;
  let [low, high] = [0, source.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(source.place(middle), end) < 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** No event has an outcome, or an operator. */
const isAboutEvents = ({ operator, outcome }: Filter): boolean => operator === undefined && outcome === undefined;

function withinTimes({ since, until }: Filter): (atMs: number) => boolean {
  const from = since === undefined ? -Infinity : Date.parse(since);
  const to = until === undefined ? Infinity : Date.parse(until);
  return (atMs) => atMs >= from && atMs <= to;
}

const fitsAction = (filter: Filter, { by, action, outcome, run, hospital, operator }: KeptAction): boolean =>
  (filter.type === undefined || filter.type === action) &&
  (filter.outcome === undefined || filter.outcome === outcome) &&
  (filter.run === undefined || filter.run === run) &&
  (filter.hospital === undefined || filter.hospital === hospital) &&
  (filter.operator === undefined || filter.operator === by.name || filter.operator === operator);

const actionPlace = ({ at, seq }: KeptAction): Place => ({ atMs: Date.parse(at), source: ACTIONS, seq });

function actionEntry(kept: KeptAction): ActivityEntry {
  const { at, by, action, outcome, code, run, hospital, operator, detail } = kept;
  return {
    ...{ kind: 'action', id: idOf(actionPlace(kept)), at, by, action, outcome, code },
    ...{ run, hospital, operator, detail },
  };
}

function eventEntry(run: string, { seq, at, event }: StoredEvent): EventEntry {
  const { type, hospitalId, ...detail } = JSON.parse(event) as { type: string; hospitalId?: string; update?: object };
  const sender = hospitalId ?? (detail.update as { hospitalId?: string } | undefined)?.hospitalId ?? null;
  return {
    kind: 'event',
    id: idOf({ atMs: Date.parse(at), source: run, seq }),
    at,
    run,
    seq,
    type,
    hospital: sender,
    detail,
  };
}
