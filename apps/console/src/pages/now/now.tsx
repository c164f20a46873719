/** What happens now: every run under way, or the last one. */
import type { RunSummary } from '@consilium/operator-api';
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { useMay } from '../../api/access.js';
import { useHospitals } from '../../api/membership.js';
import { useRun, useRuns } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { hrefOfRun } from '../../frame/router.js';
import { Answer, Nothing } from '../../parts/answer.js';
import { Card } from '../../parts/card.js';
import { RunActions } from '../../parts/run-actions.js';
import { RunState } from '../../parts/run-state.js';
import { RoundNow } from '../../rounds/round-now.js';
import { now as words } from '../../strings/now.js';
import { words as common } from '../../strings/words.js';

export function Now(): ReactNode {
  const runs = useRuns();
  return (
    <Page name={words.title} title={words.title} lead={words.lead}>
      <Answer query={runs} heightPx={420}>
        {(all) => {
          const open = all.filter(({ status }) => status === 'running' || status === 'paused');
          return open.length === 0 ? (
            <Quiet last={all[0]} />
          ) : (
            open.map((run) => <OpenRun key={run.run} summary={run} />)
          );
        }}
      </Answer>
    </Page>
  );
}

function OpenRun({ summary }: { readonly summary: RunSummary }): ReactNode {
  const detail = useRun(summary.run);
  return (
    <Card
      title={
        <>
          <a href={hrefOfRun(summary.run)}>{summary.run}</a>
          <RunState status={summary.status} />
        </>
      }
      aside={<RunActions run={summary.run} status={summary.status} />}
    >
      <Answer query={detail} heightPx={420}>
        {(run) => <RoundNow run={run} />}
      </Answer>
    </Card>
  );
}

function Quiet({ last }: { readonly last: RunSummary | undefined }): ReactNode {
  const mayRun = useMay('runs');
  const hospitals = useHospitals();
  const nobody = hospitals.data?.length === 0;
  return (
    <Card>
      <Nothing
        title={words.quiet.title}
        text={nobody ? words.quiet.noHospitals : last === undefined ? words.quiet.never : words.quiet.last(last.run)}
      >
        {mayRun ? (
          <Button component="a" href={nobody ? '#/hospitals' : '#/new-run'}>
            {nobody ? words.quiet.invite : words.quiet.begin}
          </Button>
        ) : null}
        {last === undefined ? null : (
          <a href={hrefOfRun(last.run)}>{words.quiet.see(last.run, common.status[last.status].toLowerCase())}</a>
        )}
      </Nothing>
    </Card>
  );
}
