/** The open round: its stages, what happens next, where each hospital is, and how the last one went. */
import type { RunDetail } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { Facts } from '../parts/card.js';
import { bytes, count, duration, figure } from '../parts/format.js';
import { instantText } from '../parts/instant.js';
import { useNow } from '../parts/use-now.js';
import { now as words } from '../strings/now.js';
import { words as common } from '../strings/words.js';
import { nextSentence } from './next-sentence.js';
import { Places } from './places.js';
import classes from './round-now.module.css';
import { StageLine } from './stage-line.js';

export function RoundNow({ run }: { readonly run: RunDetail }): ReactNode {
  const ended = run.status === 'finished' || run.status === 'aborted';
  const nowMs = useNow(!ended);
  const { timeline } = run;
  return (
    <div className={classes.round}>
      <p className={classes.where}>
        <strong>{common.roundOf(timeline.round, run.rounds)}</strong>
        {timeline.attempt > 1 ? <span>{words.attempt(timeline.attempt)}</span> : null}
        <span>{run.study}</span>
        <span>{common.modes[run.mode] ?? run.mode}</span>
      </p>
      <StageLine stages={timeline.stages} nowMs={nowMs} />
      {timeline.next === null ? null : (
        <p className={classes.next} role="status">
          <span className={classes.nextLabel}>{words.next}</span>
          {nextSentence(timeline.next, (iso) => instantText(iso, { nowMs }))}
        </p>
      )}
      <LastRound run={run} />
      <Places run={run} nowMs={nowMs} />
    </div>
  );
}

function LastRound({ run }: { readonly run: RunDetail }): ReactNode {
  const last = run.history.at(-1);
  if (last === undefined) return <p className={classes.soft}>{words.lastRound.none}</p>;
  const scored = run.history.findLast(({ score }) => score !== null);
  const perUpdate = last.updates.length === 0 ? null : Math.round(last.bytes / last.updates.length);
  return (
    <Facts
      facts={[
        ...(scored?.score == null
          ? []
          : [
              [
                common.metrics[run.metric] ?? run.metric,
                <>
                  {figure(scored.score.value)} <small>{words.lastRound.after(scored.round)}</small>
                </>,
              ] as const,
            ]),
        [words.lastRound.averaged(last.round), common.hospitals(last.updates.length)],
        [words.lastRound.missing, count(last.missing.length)],
        [words.lastRound.duration, duration(last.seconds)],
        [words.lastRound.bytes, perUpdate === null ? bytes(null) : words.lastRound.each(bytes(perUpdate))],
      ]}
    />
  );
}
