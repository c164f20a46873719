/** The six stages of a round in a line, or below each other on a narrow screen. */
import type { StageView } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { clock, duration } from '../parts/format.js';
import { Mark, type Tone } from '../parts/mark.js';
import { stages as words } from '../strings/stages.js';
import classes from './stage-line.module.css';

const TONES: Record<StageView['state'], Tone> = { done: 'good', now: 'now', ahead: 'wait', none: 'off' };

/** @param nowMs - by the coordinator's clock. */
export function StageLine({
  stages,
  nowMs,
}: {
  readonly stages: readonly StageView[];
  readonly nowMs: number;
}): ReactNode {
  return (
    <ol className={classes.line} aria-label={words.label}>
      {stages.map((stage) => (
        <li
          key={stage.stage}
          className={classes[stage.state]}
          title={words.means[stage.stage]}
          {...(stage.state === 'now' && { 'aria-current': 'step' as const })}
        >
          <span className={classes.rail} aria-hidden="true">
            <Mark tone={TONES[stage.state]} size={18} />
          </span>
          <span className={classes.name}>{words.names[stage.stage]}</span>
          <span className={classes.state}>{words.state[stage.state]}</span>
          <span className={classes.times}>{timesOf(stage, nowMs)}</span>
        </li>
      ))}
    </ol>
  );
}

function timesOf({ state, since, until, limitMs, expectedMs }: StageView, nowMs: number): ReactNode {
  if (state === 'none') return null;
  const usual = expectedMs === null ? undefined : words.usually(duration(expectedMs / 1_000));
  if (state === 'done') {
    return since === null || until === null
      ? null
      : duration(Math.max(0, Date.parse(until) - Date.parse(since)) / 1_000);
  }
  if (state === 'ahead') return usual ?? null;
  return (
    <>
      {since === null ? null : <b>{clock((nowMs - Date.parse(since)) / 1_000)}</b>}
      {usual === undefined ? null : <span>{usual}</span>}
      {limitMs === null ? null : <span>{words.atMost(duration(limitMs / 1_000))}</span>}
    </>
  );
}
