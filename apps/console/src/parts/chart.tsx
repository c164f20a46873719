/** A line chart, loaded when one is on the page. Its numbers are in a table beside it: the drawing is for the eye. */
import { useMantineColorScheme } from '@mantine/core';
import { lazy, Suspense, type ReactNode } from 'react';
import classes from './chart.module.css';
import type { ChartProps } from './plot.js';

const Plot = lazy(async () => ({ default: (await import('./plot.js')).Plot }));

export function Chart(props: ChartProps): ReactNode {
  const { colorScheme } = useMantineColorScheme();
  return (
    <figure className={classes.figure}>
      <div role="img" aria-label={props.summary} style={{ height: props.heightPx }}>
        <Suspense fallback={null}>
          {/* The colours are read when it is drawn. */}
          <Plot key={colorScheme} {...props} />
        </Suspense>
      </div>
      {props.series.length > 1 ? <Legend series={props.series} /> : null}
    </figure>
  );
}

/** So many hospitals have a name in the legend; those beyond are thin lines that the cursor names. */
const NAMED = 12;

function Legend({ series }: Pick<ChartProps, 'series'>): ReactNode {
  return (
    <ul className={classes.legend}>
      {series.slice(0, NAMED).map(({ label, dash }, index) => (
        <li key={label}>
          <svg width="26" height="8" aria-hidden="true">
            <line
              x1="0"
              x2="26"
              y1="4"
              y2="4"
              stroke={colourOf(index)}
              strokeWidth={index === 0 ? 3 : 2}
              strokeDasharray={(dash ?? []).join(' ')}
            />
          </svg>
          {label}
        </li>
      ))}
      {series.length > NAMED ? <li>+ {series.length - NAMED}</li> : null}
    </ul>
  );
}

const COLOURS = 6;
export const colourOf = (index: number): string => `var(--series-${(index % COLOURS) + 1})`;

/** Lines differ in their dashes too, so that they are told apart without colour. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]];
export const dashOf = (index: number): readonly number[] => DASHES[index % DASHES.length] ?? [];
