/** All runs, newest first; two of them can be compared. */
import type { RunSummary } from '@consilium/operator-api';
import { Button, Checkbox } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useMay } from '../../api/access.js';
import { useRuns } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { hrefOfComparison, hrefOfRun } from '../../frame/router.js';
import { Answer, Nothing } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Moment } from '../../parts/moment.js';
import { Rows, type Column } from '../../parts/rows.js';
import { RunState } from '../../parts/run-state.js';
import { runs as words } from '../../strings/runs.js';
import { words as common } from '../../strings/words.js';
import classes from './runs.module.css';

export function Runs(): ReactNode {
  const runs = useRuns();
  const mayRun = useMay('runs');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const choose = (run: string): void => {
    // The third takes the place of the first.
    setChosen(chosen.includes(run) ? chosen.filter((one) => one !== run) : [...chosen, run].slice(-2));
  };
  const [a, b] = chosen;
  return (
    <Page
      name={words.title}
      title={words.title}
      lead={words.lead}
      actions={
        <>
          {a === undefined || b === undefined ? (
            <Button variant="default" disabled title={words.compareHint}>
              {words.compare}
            </Button>
          ) : (
            <Button component="a" href={hrefOfComparison(a, b)} variant="default">
              {words.compare}
            </Button>
          )}
          {mayRun ? (
            <Button component="a" href="#/new-run">
              {words.begin}
            </Button>
          ) : null}
        </>
      }
    >
      <Card flush>
        <Answer query={runs} heightPx={320}>
          {(all) =>
            all.length === 0 ? (
              <Nothing title={words.none.title} text={words.none.text} />
            ) : (
              <Rows
                label={words.title}
                columns={columnsOf(chosen, choose)}
                rows={all}
                keyOf={({ run }) => run}
                height="70vh"
                rowHeightPx={64}
              />
            )
          }
        </Answer>
      </Card>
    </Page>
  );
}

function columnsOf(chosen: readonly string[], choose: (run: string) => void): readonly Column<RunSummary>[] {
  return [
    {
      key: 'choose',
      head: <span className={classes.hidden}>{words.compare}</span>,
      width: '48px',
      cell: ({ run }) => (
        <Checkbox
          aria-label={words.choose(run)}
          checked={chosen.includes(run)}
          onChange={() => {
            choose(run);
          }}
        />
      ),
    },
    {
      key: 'run',
      head: words.columns.run,
      cell: ({ run, study }) => (
        <span className={classes.run}>
          <a href={hrefOfRun(run)}>{run}</a>
          <small>{study}</small>
        </span>
      ),
    },
    { key: 'status', head: words.columns.status, cell: ({ status }) => <RunState status={status} /> },
    {
      key: 'round',
      head: words.columns.round,
      numeric: true,
      cell: ({ round, rounds }) => words.roundOf(round, rounds),
    },
    {
      key: 'best',
      head: words.columns.best,
      numeric: true,
      leaveOut: 'tablet',
      cell: ({ bestRound }) => bestRound ?? common.none,
    },
    {
      key: 'hospitals',
      head: words.columns.hospitals,
      numeric: true,
      leaveOut: 'phone',
      cell: ({ hospitals }) => hospitals,
    },
    {
      key: 'mode',
      head: words.columns.mode,
      leaveOut: 'tablet',
      cell: ({ mode }) => common.modes[mode] ?? mode,
    },
    {
      key: 'created',
      head: words.columns.created,
      numeric: true,
      leaveOut: 'phone',
      cell: ({ createdAt }) => <Moment at={createdAt} />,
    },
  ];
}
