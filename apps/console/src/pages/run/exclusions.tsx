/** Updates that came and that a robust rule left out; mode sealed. */
import type { Exclusion, RunDetail } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { Card } from '../../parts/card.js';
import { figure } from '../../parts/format.js';
import { Rows, type Column } from '../../parts/rows.js';
import { run as words } from '../../strings/runs.js';
import { words as common } from '../../strings/words.js';
import classes from './figures.module.css';

type Row = Exclusion & { readonly round: number };

/** Nothing where none was left out. */
export function Exclusions({ run }: { readonly run: RunDetail }): ReactNode {
  const rows = run.history
    .toReversed()
    .flatMap(({ round, excluded = [] }) => excluded.map((one) => ({ round, ...one })));
  if (rows.length === 0) return null;
  return (
    <Card title={words.excluded.title} flush>
      <p className={classes.above}>{words.excluded.lead}</p>
      <Rows
        label={words.excluded.title}
        columns={COLUMNS}
        rows={rows}
        keyOf={({ round, hospital }) => `${round}:${hospital}`}
        height="320px"
      />
    </Card>
  );
}

const { columns, reasons, statistics } = words.excluded;

const COLUMNS: readonly Column<Row>[] = [
  { key: 'round', head: columns.round, cell: ({ round }) => round, width: '12%' },
  { key: 'hospital', head: columns.hospital, cell: ({ hospital }) => hospital },
  { key: 'why', head: columns.why, cell: ({ reason }) => reasons[reason] },
  {
    key: 'measured',
    head: columns.measured,
    numeric: true,
    leaveOut: 'phone',
    cell: ({ measured }) =>
      measured === null ? common.none : `${statistics[measured.statistic]} ${figure(Number(measured.value))}`,
  },
  {
    key: 'bound',
    head: columns.bound,
    numeric: true,
    leaveOut: 'phone',
    cell: ({ measured }) => (measured === null ? common.none : figure(Number(measured.bound))),
  },
];
