/** Two runs side by side: what differs in what was agreed to, and how the models do. */
import type { RunDetail, RunSummary } from '@consilium/operator-api';
import { NativeSelect, Switch } from '@mantine/core';
import { useMemo, useState, type ReactNode } from 'react';
import { useRun, useRuns } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { go, hrefOfComparison, hrefOfRun } from '../../frame/router.js';
import { AllRuns } from '../../parts/all-runs.js';
import { Answer, Nothing } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Chart, dashOf } from '../../parts/chart.js';
import { bytes, count, duration, figure } from '../../parts/format.js';
import { Rows } from '../../parts/rows.js';
import { differences } from '../../rounds/differences.js';
import { factsOf, globalCourse, isMetric, type Metric } from '../../rounds/facts.js';
import { flattened } from '../../rounds/flattened.js';
import { MetricChoice } from '../../rounds/metric-choice.js';
import { compare as words } from '../../strings/compare.js';
import { run as runWords } from '../../strings/runs.js';
import { words as common } from '../../strings/words.js';
import classes from './compare.module.css';

export function Compare({
  runs: [a, b],
}: {
  readonly runs: readonly [string | undefined, string | undefined];
}): ReactNode {
  const runs = useRuns();
  return (
    <Page name={words.title} title={words.title} lead={words.lead} above={<AllRuns />}>
      <Answer query={runs}>
        {(all) =>
          all.length < 2 ? (
            <Card>
              <Nothing title={words.tooFew.title} text={words.tooFew.text} />
            </Card>
          ) : (
            <Chosen all={all} a={a ?? all[1]?.run ?? ''} b={b ?? all[0]?.run ?? ''} />
          )
        }
      </Answer>
    </Page>
  );
}

interface ChosenProps {
  readonly all: readonly RunSummary[];
  readonly a: string;
  readonly b: string;
}

function Chosen({ all, a, b }: ChosenProps): ReactNode {
  const [first, second] = [useRun(a), useRun(b)];
  const names = all.map(({ run }) => run);
  return (
    <>
      <div className={classes.choice}>
        <NativeSelect
          label={words.first}
          data={names}
          value={a}
          onChange={(event) => {
            go(hrefOfComparison(event.currentTarget.value, b));
          }}
        />
        <NativeSelect
          label={words.second}
          data={names}
          value={b}
          onChange={(event) => {
            go(hrefOfComparison(a, event.currentTarget.value));
          }}
        />
      </div>
      <Answer query={first}>
        {(one) => <Answer query={second}>{(other) => <SideBySide pair={[one, other]} />}</Answer>}
      </Answer>
    </>
  );
}

function SideBySide({ pair: [a, b] }: { readonly pair: readonly [RunDetail, RunDetail] }): ReactNode {
  const [metric, setMetric] = useState<Metric>(isMetric(a.metric) ? a.metric : 'balancedAccuracy');
  const chart = useMemo(() => {
    const rounds = Math.max(a.history.length, b.history.length);
    const padded = (run: RunDetail): (number | null)[] => {
      const values = globalCourse(run.history, metric);
      return Array.from({ length: rounds }, (_, index) => values[index] ?? null);
    };
    return {
      x: Array.from({ length: rounds }, (_, index) => index + 1),
      series: [
        { label: a.run, values: padded(a) },
        { label: b.run === a.run ? `${b.run} (2)` : b.run, values: padded(b), dash: dashOf(1) },
      ],
    };
  }, [a, b, metric]);
  return (
    <>
      <Card title={runWords.figures.title} aside={<MetricChoice metric={metric} choose={setMetric} />}>
        {chart.series.some(({ values }) => values.some((value) => value !== null)) ? (
          <Chart
            {...chart}
            format={figure}
            heightPx={280}
            summary={words.summary(common.metrics[metric] ?? metric, a.run, b.run)}
          />
        ) : (
          <p className={classes.none}>{runWords.figures.none}</p>
        )}
      </Card>
      <Card title={words.figures} flush>
        <FigureTable a={a} b={b} />
      </Card>
      <Differences a={a} b={b} />
    </>
  );
}

function FigureTable({ a, b }: { readonly a: RunDetail; readonly b: RunDetail }): ReactNode {
  const rows = [a, b].map((run) => {
    const { best, dropouts, medianSeconds, bytes: sent } = factsOf(run);
    return [
      [common.metrics[run.metric] ?? run.metric, best === null ? common.none : figure(best.value)],
      [words.bestRound, best === null ? common.none : count(best.round)],
      [runWords.facts.rounds, runWords.doneOf(run.history.length, run.rounds)],
      [runWords.facts.hospitals, count(run.hospitals.length)],
      [runWords.facts.dropouts, count(dropouts)],
      [runWords.facts.duration, duration(medianSeconds)],
      [runWords.facts.bytes, bytes(sent)],
    ] as const;
  });
  const [left = [], right = []] = rows;
  const table = left.map(([name, value], index) => {
    const other = right[index];
    return {
      name: index === 0 && other !== undefined && other[0] !== name ? words.score : name,
      value,
      other: other?.[1] ?? common.none,
    };
  });
  return (
    <Rows
      label={words.figures}
      rows={table}
      keyOf={({ name }) => name}
      columns={[
        { key: 'name', head: words.figure, cell: ({ name }) => name },
        { key: 'a', head: <a href={hrefOfRun(a.run)}>{a.run}</a>, numeric: true, cell: ({ value }) => value },
        { key: 'b', head: <a href={hrefOfRun(b.run)}>{b.run}</a>, numeric: true, cell: ({ other }) => other },
      ]}
    />
  );
}

function Differences({ a, b }: { readonly a: RunDetail; readonly b: RunDetail }): ReactNode {
  const [all, setAll] = useState(false);
  const compared = differences(flattened(a.configuration), flattened(b.configuration));
  const rows = all ? compared : compared.filter(({ same }) => !same);
  return (
    <Card
      title={words.configuration}
      aside={
        <Switch
          size="sm"
          label={words.showSame}
          checked={all}
          onChange={(event) => {
            setAll(event.currentTarget.checked);
          }}
        />
      }
      flush
    >
      {rows.length === 0 ? (
        <Nothing title={words.same.title} text={words.same.text} />
      ) : (
        <Rows
          label={words.configuration}
          rows={rows}
          keyOf={({ name }) => name}
          height="600px"
          columns={[
            { key: 'name', head: words.value, cell: ({ name }) => name },
            { key: 'a', head: a.run, cell: (row) => <span className={classes.value}>{row.a ?? common.none}</span> },
            { key: 'b', head: b.run, cell: (row) => <span className={classes.value}>{row.b ?? common.none}</span> },
          ]}
        />
      )}
    </Card>
  );
}
