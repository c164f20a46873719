/** What happened: every action of a person, and every event of the runs; filtered, and exported as it is filtered. */
import type { ActivityEntry } from '@consilium/operator-api';
import { Button, Group, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState, type ReactNode } from 'react';
import { useActivity } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { hrefOfRun, queryOf, useHash } from '../../frame/router.js';
import { entryWho, entryWords, outcomeTone } from '../../rounds/entry-words.js';
import { Answer, Nothing } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Download } from '../../parts/download.js';
import { Status } from '../../parts/mark.js';
import { Moment } from '../../parts/moment.js';
import { Rows, type Column } from '../../parts/rows.js';
import { activity as words } from '../../strings/activity.js';
import { words as common } from '../../strings/words.js';
import classes from './activity.module.css';

const FIELDS = ['run', 'hospital', 'operator', 'type'] as const;
type Filter = Readonly<Record<(typeof FIELDS)[number] | 'kind' | 'outcome' | 'since', string>>;

const EMPTY: Filter = { kind: '', run: '', hospital: '', operator: '', type: '', outcome: '', since: '' };

export function Activity(): ReactNode {
  const run = queryOf(useHash()).get('run') ?? '';
  return <Filtered key={run} start={{ ...EMPTY, run }} />;
}

function Filtered({ start }: { readonly start: Filter }): ReactNode {
  const [filter, setFilter] = useState(start);
  const [asked] = useDebouncedValue(filter, 250);
  const query = useMemo(() => queryFor(asked), [asked]);
  const pages = useActivity(query);
  const entries = useMemo(() => pages.data?.pages.flatMap((page) => page.entries), [pages.data]);
  const change = (name: keyof Filter, value: string): void => {
    setFilter({ ...filter, [name]: value });
  };
  const exported = (format: string): string =>
    `activity/export?${new URLSearchParams({ ...query, format }).toString()}`;
  return (
    <Page
      name={words.title}
      title={words.title}
      lead={words.lead}
      actions={
        <>
          <Download path={exported('csv')} fileName="activity.csv">
            {words.exportCsv}
          </Download>
          <Download path={exported('jsonl')} fileName="activity.jsonl">
            {words.exportJson}
          </Download>
        </>
      }
    >
      <search className={classes.filter} aria-label={words.filter}>
        <NativeSelect
          label={words.kind}
          value={filter.kind}
          data={[
            { value: '', label: words.kinds.all },
            { value: 'action', label: words.kinds.action },
            { value: 'event', label: words.kinds.event },
          ]}
          onChange={(event) => {
            change('kind', event.currentTarget.value);
          }}
        />
        {FIELDS.map((name) => (
          <TextInput
            key={name}
            label={words.fields[name]}
            value={filter[name]}
            onChange={(event) => {
              change(name, event.currentTarget.value);
            }}
          />
        ))}
        <NativeSelect
          label={words.outcome}
          value={filter.outcome}
          data={[
            { value: '', label: words.kinds.all },
            ...(['allowed', 'refused', 'failed'] as const).map((value) => ({ value, label: words.outcomes[value] })),
          ]}
          onChange={(event) => {
            change('outcome', event.currentTarget.value);
          }}
        />
        <NativeSelect
          label={words.since}
          value={filter.since}
          data={[
            { value: '', label: words.sinceEver },
            ...SINCE.map(([value, label]) => ({ value: String(value), label })),
          ]}
          onChange={(event) => {
            change('since', event.currentTarget.value);
          }}
        />
      </search>
      <Card flush>
        <Answer
          query={
            { ...pages, data: entries } as unknown as Parameters<typeof Answer<readonly ActivityEntry[]>>[0]['query']
          }
          heightPx={480}
        >
          {(all) =>
            all.length === 0 ? (
              <Nothing title={words.none.title} text={words.none.text}>
                <Button
                  variant="default"
                  onClick={() => {
                    setFilter(EMPTY);
                  }}
                >
                  {words.none.action}
                </Button>
              </Nothing>
            ) : (
              <>
                <Rows
                  label={words.title}
                  columns={COLUMNS}
                  rows={all}
                  keyOf={({ kind, id }) => `${kind}:${id}`}
                  height="68vh"
                  onEnd={() => {
                    if (pages.hasNextPage && !pages.isFetchingNextPage) void pages.fetchNextPage();
                  }}
                />
                <Group justify="space-between" className={classes.foot ?? ''}>
                  <span role="status">{words.shown(all.length, pages.hasNextPage)}</span>
                  {pages.hasNextPage ? (
                    <Button
                      size="xs"
                      variant="subtle"
                      loading={pages.isFetchingNextPage}
                      onClick={() => void pages.fetchNextPage()}
                    >
                      {words.older}
                    </Button>
                  ) : null}
                </Group>
              </>
            )
          }
        </Answer>
      </Card>
    </Page>
  );
}

const HOUR_MS = 3_600_000;
const SINCE = [
  [1, words.sinceHours(1)],
  [24, words.sinceHours(24)],
  [168, words.sinceDays(7)],
  [720, words.sinceDays(30)],
] as const;

function queryFor({ since, ...rest }: Filter): Record<string, string> {
  const given = Object.entries(rest).map(([name, value]) => [name, value.trim()] as const);
  return {
    ...Object.fromEntries(given.filter(([, value]) => value !== '')),
    ...(since !== '' && { since: new Date(Date.now() - Number(since) * HOUR_MS).toISOString() }),
  };
}

const COLUMNS: readonly Column<ActivityEntry>[] = [
  { key: 'at', head: words.columns.at, width: '150px', cell: ({ at }) => <Moment at={at} seconds /> },
  {
    key: 'what',
    head: words.columns.what,
    cell: (entry) => (
      <Status tone={outcomeTone(entry)} title={entry.kind === 'action' ? entry.action : entry.type}>
        <span className={classes.what}>{entryWords(entry)}</span>
      </Status>
    ),
  },
  { key: 'who', head: words.columns.who, leaveOut: 'phone', cell: (entry) => entryWho(entry) },
  {
    key: 'run',
    head: words.columns.run,
    leaveOut: 'tablet',
    cell: ({ run }) => (run === null ? common.none : <a href={hrefOfRun(run)}>{run}</a>),
  },
];
