/** What was agreed to: every value of the signed configuration in words, and its hash. */
import type { RunDetail } from '@consilium/operator-api';
import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Card } from '../../parts/card.js';
import { Copy } from '../../parts/copy.js';
import { flattened } from '../../rounds/flattened.js';
import { run as words } from '../../strings/runs.js';
import classes from './configuration.module.css';

export function Configuration({ run }: { readonly run: RunDetail }): ReactNode {
  const [raw, setRaw] = useState(false);
  return (
    <Card
      title={words.config.title}
      aside={
        <Button
          size="xs"
          variant="subtle"
          aria-expanded={raw}
          onClick={() => {
            setRaw(!raw);
          }}
        >
          {raw ? words.config.hideRaw : words.config.showRaw}
        </Button>
      }
    >
      <p className={classes.lead}>{words.config.lead}</p>
      <p className={classes.hash}>
        <span>{words.config.hash}</span>
        <code>{run.configDigest}</code>
        <Copy text={run.configDigest} what={words.config.hash} />
      </p>
      {raw ? (
        <pre className={classes.raw} tabIndex={0} aria-label={words.config.raw}>
          {JSON.stringify(run.configuration, null, 2)}
        </pre>
      ) : (
        <ConfigurationList values={flattened(run.configuration)} />
      )}
    </Card>
  );
}

function ConfigurationList({ values }: { readonly values: readonly (readonly [string, string])[] }): ReactNode {
  return (
    <dl className={classes.values}>
      {values.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
