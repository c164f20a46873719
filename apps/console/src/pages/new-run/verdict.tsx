/** What the coordinator says of the draft: what is missing, what it would come to, and what hospitals would be asked. */
import type { RunCheck } from '@consilium/operator-api';
import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { Copy } from '../../parts/copy.js';
import { bytes, count } from '../../parts/format.js';
import { Status } from '../../parts/mark.js';
import { listed } from '../../rounds/next-sentence.js';
import { newRun as words } from '../../strings/new-run.js';
import { labelOf } from './form-field.js';
import classes from './new-run.module.css';

export function Verdict({ check, busy }: { readonly check: RunCheck | undefined; readonly busy: boolean }): ReactNode {
  return (
    <Tabs defaultValue="check" keepMounted={false}>
      <Tabs.List>
        <Tabs.Tab value="check">{words.tabs.check}</Tabs.Tab>
        <Tabs.Tab value="yaml">{words.tabs.yaml}</Tabs.Tab>
        <Tabs.Tab value="approval">{words.tabs.approval}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="check" pt="md">
        {check === undefined ? <p className={classes.soft}>{words.none}</p> : <Findings check={check} busy={busy} />}
      </Tabs.Panel>
      <Tabs.Panel value="yaml" pt="md">
        <Preview text={check?.yaml ?? null} none={words.yamlNone} label={words.tabs.yaml} />
      </Tabs.Panel>
      <Tabs.Panel value="approval" pt="md">
        <Preview text={check?.approval ?? null} none={words.approvalNone} label={words.tabs.approval} />
      </Tabs.Panel>
    </Tabs>
  );
}

function Preview({
  text,
  none,
  label,
}: {
  readonly text: string | null;
  readonly none: string;
  readonly label: string;
}): ReactNode {
  if (text === null) return <p className={classes.soft}>{none}</p>;
  return (
    <>
      <pre className={classes.preview} tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <Copy text={text} what={label} />
    </>
  );
}

function Findings({ check, busy }: { readonly check: RunCheck; readonly busy: boolean }): ReactNode {
  const { problems, hospitals, cohort, thresholds, overflow, parameters, bytesPerRound } = check;
  return (
    <div className={classes.findings} aria-busy={busy}>
      <div role="status">
        {check.valid ? (
          <Status tone="good">{words.valid}</Status>
        ) : (
          <Status tone="late">{words.problems(problems.length)}</Status>
        )}
      </div>
      {problems.length === 0 ? null : (
        <ul className={classes.problems}>
          {problems.map(({ field, message }) => (
            <li key={`${field}:${message}`}>
              <b>{field === '' ? words.whole : labelOf(field)}</b> {message}
            </li>
          ))}
        </ul>
      )}
      <dl className={classes.comesTo}>
        {hospitals.length === 0 ? null : (
          <Finding name={words.asked} value={count(hospitals.length)} note={listed(hospitals, 6)} />
        )}
        {cohort === null ? null : (
          <Finding name={words.cohort} value={count(cohort.least)} note={words.cohortBecause[cohort.because]} />
        )}
        {thresholds === null ? null : (
          <Finding
            name={words.thresholds}
            note={words.thresholdsText(
              thresholds.threshold,
              thresholds.hospitals,
              thresholds.mayDrop,
              thresholds.tolerated,
            )}
          />
        )}
        {overflow === null ? null : (
          <Finding
            name={words.overflow}
            note={`${words.overflowText(overflow.usedBits.toFixed(1), overflow.ringBits)} ${words.step(overflow.step.toPrecision(2))}`}
          />
        )}
        {bytesPerRound === null ? null : <Finding name={words.size} value={words.perRound(bytes(bytesPerRound))} />}
        {parameters === null ? null : <Finding name={words.parameters} value={count(parameters)} />}
      </dl>
    </div>
  );
}

function Finding({
  name,
  value,
  note,
}: {
  readonly name: string;
  readonly value?: string;
  readonly note?: string;
}): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value === undefined ? null : <b>{value}</b>}
        {note === undefined ? null : <span>{note}</span>}
      </dd>
    </div>
  );
}
