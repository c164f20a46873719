/** One run: where it is, how the model does, every round, and what was agreed to. */
import type { RunDetail } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { useMay } from '../../api/access.js';
import { useRun } from '../../api/queries.js';
import { Page } from '../../frame/page.js';
import { hrefOfActivity } from '../../frame/router.js';
import { AllRuns } from '../../parts/all-runs.js';
import { Answer } from '../../parts/answer.js';
import { Card, Facts } from '../../parts/card.js';
import { bytes, count, duration, figure } from '../../parts/format.js';
import { Moment } from '../../parts/moment.js';
import { RunActions } from '../../parts/run-actions.js';
import { RunState } from '../../parts/run-state.js';
import { factsOf } from '../../rounds/facts.js';
import { RoundNow } from '../../rounds/round-now.js';
import { frame } from '../../strings/frame.js';
import { run as words } from '../../strings/runs.js';
import { words as common } from '../../strings/words.js';
import { Configuration } from './configuration.js';
import { Course } from './course.js';
import { Downloads } from './downloads.js';
import { Exclusions } from './exclusions.js';
import { Figures } from './figures.js';
import { RoundTable } from './round-table.js';
import classes from './run.module.css';
import { WhoSees } from './who-sees.js';

export function Run({ run: id }: { readonly run: string }): ReactNode {
  const query = useRun(id);
  const mayAudit = useMay('audit');
  const run = query.data;
  return (
    <Page
      name={id}
      above={<AllRuns />}
      title={
        <>
          {id} {run === undefined ? null : <RunState status={run.status} />}
        </>
      }
      lead={run === undefined ? undefined : <Lead run={run} />}
      actions={run === undefined ? undefined : <RunActions run={id} status={run.status} />}
    >
      <Answer query={query} heightPx={600}>
        {(detail) => (
          <>
            {detail.timeline.next === null ? null : (
              <Card title={frame.pages.now}>
                <RoundNow run={detail} />
              </Card>
            )}
            <Card>
              <RunFacts run={detail} />
            </Card>
            <div className={classes.wide}>
              <Figures run={detail} />
              <Course run={detail} />
            </div>
            <RoundTable run={detail} />
            <Exclusions run={detail} />
            <div className={classes.half}>
              <WhoSees visible={detail.visible} />
              <Downloads run={detail} />
            </div>
            <Configuration run={detail} />
            {mayAudit ? (
              <p className={classes.more}>
                <a href={hrefOfActivity(id)}>{words.activity}</a>
              </p>
            ) : null}
          </>
        )}
      </Answer>
    </Page>
  );
}

function Lead({ run }: { readonly run: RunDetail }): ReactNode {
  return (
    <>
      {run.study} · {common.modes[run.mode] ?? run.mode} · {words.begun} <Moment at={run.createdAt} />
      {run.reason === null ? null : ` · ${words.endedBecause(words.reasons[run.reason] ?? run.reason)}`}
    </>
  );
}

function RunFacts({ run }: { readonly run: RunDetail }): ReactNode {
  const facts = factsOf(run);
  return (
    <Facts
      facts={[
        [
          words.facts.best(common.metrics[run.metric] ?? run.metric),
          facts.best === null ? (
            common.none
          ) : (
            <>
              {figure(facts.best.value)} <small>{words.facts.inRound(facts.best.round)}</small>
            </>
          ),
        ],
        [words.facts.rounds, words.doneOf(run.history.length, run.rounds)],
        [words.facts.hospitals, count(run.hospitals.length)],
        [words.facts.dropouts, count(facts.dropouts)],
        [words.facts.duration, duration(facts.medianSeconds)],
        [words.facts.bytes, bytes(facts.bytes)],
      ]}
    />
  );
}
