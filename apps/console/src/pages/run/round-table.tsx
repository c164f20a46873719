/** Every finished round with its numbers. */
import type { RoundDone, RunDetail } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { Card } from '../../parts/card.js';
import { Download } from '../../parts/download.js';
import { bytes, count, duration, figure } from '../../parts/format.js';
import { Moment } from '../../parts/moment.js';
import { Nothing } from '../../parts/answer.js';
import { Rows, type Column } from '../../parts/rows.js';
import { listed } from '../../rounds/next-sentence.js';
import { run as words } from '../../strings/runs.js';
import { words as common } from '../../strings/words.js';
import classes from './round-table.module.css';

export function RoundTable({ run }: { readonly run: RunDetail }): ReactNode {
  return (
    <Card title={words.rounds.title} flush>
      {run.history.length === 0 ? (
        <Nothing title={words.rounds.none} text={words.figures.none} />
      ) : (
        <Rows
          label={words.rounds.title}
          columns={columnsOf(run)}
          rows={run.history.toReversed()}
          keyOf={({ round }) => String(round)}
          height="460px"
        />
      )}
    </Card>
  );
}

function columnsOf(run: RunDetail): readonly Column<RoundDone>[] {
  const { columns } = words.rounds;
  return [
    {
      key: 'round',
      head: columns.round,
      cell: ({ round }) => (
        <span className={classes.round}>
          {round}
          {round === run.bestRound ? <em>{words.rounds.best}</em> : null}
        </span>
      ),
    },
    {
      key: 'score',
      head: common.metrics[run.metric] ?? run.metric,
      numeric: true,
      cell: ({ score }) => figure(score?.value ?? null),
    },
    { key: 'averaged', head: columns.averaged, numeric: true, cell: ({ updates }) => count(updates.length) },
    {
      key: 'missing',
      head: columns.dropped,
      leaveOut: 'tablet',
      cell: ({ missing }) => (missing.length === 0 ? common.none : listed(missing, 2)),
    },
    {
      key: 'examples',
      head: columns.examples,
      numeric: true,
      leaveOut: 'tablet',
      cell: ({ examples }) =>
        examples === null ? <span title={common.notVisible}>{common.none}</span> : count(examples),
    },
    { key: 'loss', head: columns.loss, numeric: true, leaveOut: 'phone', cell: ({ loss }) => figure(loss) },
    { key: 'bytes', head: columns.bytes, numeric: true, leaveOut: 'phone', cell: (round) => bytes(round.bytes) },
    { key: 'seconds', head: columns.seconds, numeric: true, cell: ({ seconds }) => duration(seconds) },
    {
      key: 'begun',
      head: columns.ended,
      numeric: true,
      leaveOut: 'tablet',
      cell: ({ startedAt }) => <Moment at={startedAt} seconds />,
    },
    {
      key: 'model',
      head: columns.model,
      numeric: true,
      cell: ({ round }) => (
        <Download
          compact
          path={`runs/${encodeURIComponent(run.run)}/model?round=${round}`}
          fileName={`${run.run}-round-${round}.safetensors`}
        >
          {words.rounds.download(round)}
        </Download>
      ),
    },
  ];
}
