import type { RunDetail } from '@consilium/operator-api';
import { Group } from '@mantine/core';
import type { ReactNode } from 'react';
import { Card } from '../../parts/card.js';
import { Download } from '../../parts/download.js';
import { run as words } from '../../strings/runs.js';
import classes from './figures.module.css';

export function Downloads({ run: { run, history, bestRound } }: { readonly run: RunDetail }): ReactNode {
  const path = `runs/${encodeURIComponent(run)}`;
  const any = history.length > 0;
  return (
    <Card title={words.downloads.title}>
      <p className={classes.lead}>{any ? words.downloads.hint : words.downloads.none}</p>
      {any ? (
        <Group gap="sm" align="flex-start">
          {bestRound === null ? null : (
            <Download path={`${path}/model?round=best`} fileName={`${run}-best.safetensors`}>
              {words.downloads.best}
            </Download>
          )}
          <Download path={`${path}/model?round=last`} fileName={`${run}-last.safetensors`}>
            {words.downloads.last}
          </Download>
          <Download path={`${path}/results.csv`} fileName={`${run}.csv`}>
            {words.downloads.csv}
          </Download>
          <Download path={`${path}/results.json`} fileName={`${run}.json`}>
            {words.downloads.json}
          </Download>
        </Group>
      ) : null}
    </Card>
  );
}
