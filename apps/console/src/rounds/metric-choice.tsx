/** Which figure a chart shows. */
import { NativeSelect } from '@mantine/core';
import type { ReactNode } from 'react';
import { run as words } from '../strings/runs.js';
import { words as common } from '../strings/words.js';
import { isMetric, METRICS, type Metric } from './facts.js';

export interface MetricChoiceProps {
  readonly metric: Metric;
  readonly choose: (metric: Metric) => void;
}

export function MetricChoice({ metric, choose }: MetricChoiceProps): ReactNode {
  return (
    <NativeSelect
      aria-label={words.figures.metric}
      size="sm"
      value={metric}
      data={METRICS.map((value) => ({ value, label: common.metrics[value] ?? value }))}
      onChange={(event) => {
        if (isMetric(event.currentTarget.value)) choose(event.currentTarget.value);
      }}
    />
  );
}
