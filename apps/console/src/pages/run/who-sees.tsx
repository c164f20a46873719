/** The line that people ask for first: who could see what. */
import type { RunDetail } from '@consilium/operator-api';
import type { ReactNode } from 'react';
import { Card } from '../../parts/card.js';
import { run as words } from '../../strings/runs.js';
import classes from './who-sees.module.css';

export function WhoSees({ visible }: { readonly visible: RunDetail['visible'] }): ReactNode {
  const { trust } = words;
  return (
    <Card title={trust.title}>
      <dl className={classes.list}>
        <dt>{trust.hospital}</dt>
        <dd>{trust.hospitalSees}</dd>
        <dt>{trust.coordinator}</dt>
        <dd>
          {visible.updates === 'each' ? trust.each : trust.sum}
          {visible.colluders === null || visible.colluders < 1 ? null : ` ${trust.colluders(visible.colluders)}`}
        </dd>
        <dt>{trust.network}</dt>
        <dd>{trust.networkSees}</dd>
      </dl>
    </Card>
  );
}
