/** A run in the making: the form, and beside it what the coordinator says of it while one types. */
import { runCheck, runDetail, type RunCheck } from '@consilium/operator-api';
import { Button, NativeSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState, type ReactNode } from 'react';
import { ask } from '../../api/client.js';
import { keys } from '../../api/keys.js';
import { useRuns } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { go, hrefOfRun } from '../../frame/router.js';
import { Failure } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { Confirm } from '../../parts/confirm.js';
import { newRun as words } from '../../strings/new-run.js';
import { takenOver, withValue, type Draft } from './draft.js';
import { runFileFields } from './fields.js';
import { FormField } from './form-field.js';
import classes from './new-run.module.css';
import { PasteFile } from './paste-file.js';
import { sectionsOf } from './sections.js';
import { Verdict } from './verdict.js';

const CHECK_AFTER_MS = 300;

export function NewRun(): ReactNode {
  const [draft, setDraft] = useState<Draft>({});
  const [asked] = useDebouncedValue(draft, CHECK_AFTER_MS);
  const [opened, setOpened] = useState<'paste' | 'begin'>();
  const client = useQueryClient();
  const sections = useMemo(() => sectionsOf(runFileFields()), []);
  const check = useQuery({
    queryKey: ['check', asked],
    queryFn: ({ signal }) => ask('runs/check', runCheck, { method: 'POST', body: asked, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: false,
    staleTime: 30_000,
    gcTime: 60_000,
  });
  const fresh = check.data !== undefined && !check.isPlaceholderData && asked === draft;
  const close = (): void => {
    setOpened(undefined);
  };
  const begin = async (): Promise<void> => {
    const { run } = await ask('runs', runDetail, { method: 'POST', body: draft });
    await client.invalidateQueries({ queryKey: keys.runs });
    go(hrefOfRun(run));
  };
  const problems = useMemo(() => touchedProblems(check.data, draft), [check.data, draft]);
  return (
    <Page
      name={words.title}
      title={words.title}
      lead={words.lead}
      actions={
        <Button
          variant="default"
          onClick={() => {
            setOpened('paste');
          }}
        >
          {words.paste}
        </Button>
      }
    >
      <div className={classes.sides}>
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault();
          }}
        >
          <TakeOver
            take={(configuration) => {
              setDraft(takenOver(configuration, draft));
            }}
          />
          {sections.map(({ title, fields }) => (
            <Card key={title} title={title}>
              <div className={classes.fields}>
                {fields.map((field) => (
                  <FormField
                    key={field.path}
                    field={field}
                    draft={draft}
                    problems={problems}
                    change={(path, value) => {
                      setDraft(withValue(draft, path, value));
                    }}
                  />
                ))}
              </div>
            </Card>
          ))}
        </form>
        <aside className={classes.verdict} aria-label={words.views}>
          <Card>
            {check.error === null || check.data !== undefined ? (
              <Verdict check={check.data} busy={check.isFetching} />
            ) : (
              <Failure error={check.error} again={() => void check.refetch()} />
            )}
            <Button
              mt="lg"
              fullWidth
              disabled={!fresh || !check.data.valid}
              onClick={() => {
                setOpened('begin');
              }}
            >
              {words.begin}
            </Button>
            {check.data?.valid === true ? null : <p className={classes.note}>{words.notYet}</p>}
          </Card>
        </aside>
      </div>
      <PasteFile opened={opened === 'paste'} close={close} fill={setDraft} />
      <Confirm
        opened={opened === 'begin'}
        close={close}
        title={words.beginTitle(typeof draft['run'] === 'string' ? draft['run'] : '')}
        confirm={words.begin}
        act={begin}
      >
        {words.beginText(check.data?.hospitals.length ?? 0)}
      </Confirm>
    </Page>
  );
}

/** Beside a field only what is wrong with something typed: what is missing is said in the list, not shouted at every field. */
function touchedProblems(check: RunCheck | undefined, draft: Draft): ReadonlyMap<string, string> {
  const typed = JSON.stringify(draft);
  return new Map(
    (check?.problems ?? [])
      .filter(
        ({ field }) =>
          field !== '' && typed.includes(`"${field.split('.').find((part) => !/^\d+$/.test(part)) ?? ''}"`),
      )
      .map(({ field, message }) => [field.replace(/\.\d+$/, ''), message]),
  );
}

function TakeOver({ take }: { readonly take: (configuration: Draft) => void }): ReactNode {
  const runs = useRuns();
  const client = useQueryClient();
  if (runs.data === undefined || runs.data.length === 0) return null;
  return (
    <NativeSelect
      label={words.takeOver}
      description={words.takeOverHint}
      data={[{ value: '', label: words.takeOverNone }, ...runs.data.map(({ run }) => run)]}
      onChange={(event) => {
        const run = event.currentTarget.value;
        if (run === '') return;
        const found = client.query({
          queryKey: keys.run(run),
          queryFn: () => ask(`runs/${encodeURIComponent(run)}`, runDetail),
        });
        // Of a failure the form stays as it is.
        found.then(
          ({ configuration }) => {
            take(configuration);
          },
          () => undefined,
        );
      }}
    />
  );
}
