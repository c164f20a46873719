/** How long rounds took, what they sent, and how many hospitals were in each. */
import type { RoundDone, RunDetail } from '@consilium/operator-api';
import { useMemo, type ReactNode } from 'react';
import { Card } from '../../parts/card.js';
import { Chart } from '../../parts/chart.js';
import { bytes, count, duration } from '../../parts/format.js';
import { run as words } from '../../strings/runs.js';
import classes from './figures.module.css';

const COURSES: readonly {
  readonly title: string;
  readonly value: (round: RoundDone) => number;
  readonly format: (value: number) => string;
}[] = [
  { title: words.course.seconds, value: ({ seconds }) => seconds, format: duration },
  { title: words.course.bytes, value: (round) => round.bytes, format: bytes },
  { title: words.course.hospitals, value: ({ updates }) => updates.length, format: count },
];

export function Course({ run: { history } }: { readonly run: RunDetail }): ReactNode {
  const drawn = useMemo(
    () =>
      COURSES.map(({ title, value, format }) => {
        const values = history.map(value);
        const [least, most] = [Math.min(...values), Math.max(...values)];
        return {
          ...{ title, format, series: [{ label: title, values }] },
          summary: words.course.summary(title, format(least), format(most)),
        };
      }),
    [history],
  );
  const x = useMemo(() => history.map(({ round }) => round), [history]);
  return (
    <Card title={words.course.title}>
      {history.length === 0 ? (
        <p className={classes.none}>{words.course.none}</p>
      ) : (
        <div className={classes.stack}>
          {drawn.map(({ title, format, series, summary }) => (
            <div key={title}>
              <h3 className={classes.small}>{title}</h3>
              <Chart x={x} series={series} format={format} heightPx={104} summary={summary} fromZero />
            </div>
          ))}
        </div>
      )}
    </Card>
  );
}
