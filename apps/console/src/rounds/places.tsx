/** Each hospital's place in the round. Those that need somebody's attention come first. */
import type { PlaceView, RunDetail } from '@consilium/operator-api';
import { useMemo, useState, type ReactNode } from 'react';
import { clock } from '../parts/format.js';
import { Mark, Status, type Tone } from '../parts/mark.js';
import { Rows, type Column } from '../parts/rows.js';
import { now as words } from '../strings/now.js';
import { refusalWords, stages } from '../strings/stages.js';
import { words as common } from '../strings/words.js';
import classes from './places.module.css';

export type Place = PlaceView['place'];

/** In the order in which people look at them. */
const ORDER: readonly Place[] = ['late', 'dropped', 'refused', 'declined', 'working', 'expected', 'done', 'outside'];
const TONES: Record<Place, Tone> = {
  late: 'late',
  dropped: 'bad',
  declined: 'bad',
  refused: 'bad',
  working: 'now',
  expected: 'wait',
  done: 'good',
  outside: 'off',
};

export function sortedPlaces(places: readonly PlaceView[]): PlaceView[] {
  return [...places].sort(
    (a, b) => ORDER.indexOf(a.place) - ORDER.indexOf(b.place) || a.hospital.localeCompare(b.hospital),
  );
}

export function Places({ run, nowMs }: { readonly run: RunDetail; readonly nowMs: number }): ReactNode {
  const [shown, setShown] = useState<Place>();
  const { places } = run.timeline;
  const sorted = useMemo(() => sortedPlaces(places), [places]);
  const connected = useMemo(
    () => new Set(run.hospitals.filter((one) => one.connected).map(({ id }) => id)),
    [run.hospitals],
  );
  const columns: readonly Column<PlaceView>[] = [
    {
      key: 'hospital',
      head: words.places.hospital,
      width: '38%',
      cell: ({ hospital }) => (
        <span className={classes.hospital}>
          {hospital}
          {connected.has(hospital) ? null : <small>{words.places.away}</small>}
        </span>
      ),
    },
    {
      key: 'place',
      head: words.places.place,
      cell: ({ place, rule }) => (
        <Status tone={TONES[place]} title={stages.placeMeans[place]}>
          <span className={classes.refused}>
            {stages.places[place]}
            {rule === null ? null : <small title={rule}>{refusalWords[rule]}</small>}
          </span>
        </Status>
      ),
      width: '26%',
    },
    {
      key: 'stage',
      head: words.places.stage,
      leaveOut: 'phone',
      cell: ({ stage }) => (stage === null ? common.none : stages.names[stage]),
      width: '22%',
    },
    {
      key: 'since',
      head: words.places.since,
      numeric: true,
      leaveOut: 'phone',
      cell: ({ since }) => (since === null ? common.none : clock((nowMs - Date.parse(since)) / 1_000)),
      width: '14%',
    },
  ];
  const rows = shown === undefined ? sorted : sorted.filter(({ place }) => place === shown);
  return (
    <section aria-label={words.places.title(places.length)}>
      <div className={classes.head}>
        <h3 className={classes.title}>{words.places.title(places.length)}</h3>
        <Filter places={places} shown={shown} show={setShown} />
      </div>
      {rows.length === 0 ? (
        <p className={classes.none}>{words.places.none}</p>
      ) : (
        <div className={classes.frame}>
          <Rows label={words.places.label} columns={columns} rows={rows} keyOf={({ hospital }) => hospital} />
        </div>
      )}
    </section>
  );
}

interface FilterProps {
  readonly places: readonly PlaceView[];
  readonly shown: Place | undefined;
  readonly show: (place: Place | undefined) => void;
}

/** How many are in each state; each is a switch that shows those alone. */
function Filter({ places, shown, show }: FilterProps): ReactNode {
  const present = ORDER.filter((place) => place === shown || places.some((one) => one.place === place));
  return (
    <div className={classes.filter} role="group" aria-label={words.places.filter}>
      <button
        type="button"
        aria-pressed={shown === undefined}
        onClick={() => {
          show(undefined);
        }}
      >
        {words.places.all}
      </button>
      {present.map((place) => (
        <button
          key={place}
          type="button"
          aria-pressed={shown === place}
          title={stages.placeMeans[place]}
          onClick={() => {
            show(shown === place ? undefined : place);
          }}
        >
          <Mark tone={TONES[place]} size={12} />
          {places.filter((one) => one.place === place).length} {stages.places[place].toLowerCase()}
        </button>
      ))}
    </div>
  );
}
