/** How the model does by round: all together, and each hospital where the trust mode shows it. */
import type { RunDetail } from '@consilium/operator-api';
import { Switch } from '@mantine/core';
import { useDeferredValue, useMemo, useState, type ReactNode } from 'react';
import { Card } from '../../parts/card.js';
import { Chart, dashOf } from '../../parts/chart.js';
import { figure } from '../../parts/format.js';
import { globalCourse, hospitalCourses, isMetric, suppressedIn, type Metric } from '../../rounds/facts.js';
import { MetricChoice } from '../../rounds/metric-choice.js';
import { listed } from '../../rounds/next-sentence.js';
import { run as words } from '../../strings/runs.js';
import { words as common } from '../../strings/words.js';
import classes from './figures.module.css';

export function Figures({ run }: { readonly run: RunDetail }): ReactNode {
  const [chosen, setMetric] = useState<Metric>(isMetric(run.metric) ? run.metric : 'balancedAccuracy');
  // The choice answers at once; 200 lines take longer to draw.
  const metric = useDeferredValue(chosen);
  const [each, setEach] = useState(true);
  const { history } = run;
  const mayEach = run.visible.figures === 'each';
  const series = useMemo(
    () => [
      { label: words.figures.global, values: globalCourse(history, metric) },
      ...(mayEach && each ? hospitalCourses(history, metric) : []).map(({ hospital, values }, index) => ({
        ...{ label: hospital, values, dash: dashOf(index + 1) },
      })),
    ],
    [history, metric, each, mayEach],
  );
  const x = useMemo(() => history.map(({ round }) => round), [history]);
  const known = (series[0]?.values ?? []).filter((value) => value !== null);
  const suppressed = suppressedIn(history);
  return (
    <Card title={words.figures.title} aside={<MetricChoice metric={chosen} choose={setMetric} />}>
      <p className={classes.lead}>{words.figures.lead}</p>
      {known.length === 0 ? (
        <p className={classes.none}>{words.figures.none}</p>
      ) : (
        <Chart
          x={x}
          series={series}
          format={figure}
          heightPx={260}
          summary={words.figures.summary(
            common.metrics[metric] ?? metric,
            figure(known[0] ?? null),
            figure(known.at(-1) ?? null),
            history.findLast(({ figures }) => figures.global !== null)?.round ?? 0,
          )}
        />
      )}
      {mayEach ? (
        <Switch
          className={classes.each ?? ''}
          size="sm"
          label={words.figures.each}
          checked={each}
          onChange={(event) => {
            setEach(event.currentTarget.checked);
          }}
        />
      ) : (
        <p className={classes.note}>{words.figures.notEach}</p>
      )}
      {suppressed.length === 0 ? null : (
        <p className={classes.note}>{words.figures.suppressed(listed(suppressed, 5))}</p>
      )}
    </Card>
  );
}
