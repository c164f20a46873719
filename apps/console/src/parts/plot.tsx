/** uPlot in React. Made anew when what it shows changes: with some hundred points that takes a millisecond. */
import { useEffect, useRef, type ReactNode } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './plot.css';

export interface Series {
  readonly label: string;
  /** One for each x; null where there is none. */
  readonly values: readonly (number | null)[];
  readonly dash?: readonly number[];
}

export interface ChartProps {
  /** Rounds. */
  readonly x: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly heightPx: number;
  /** What a screen reader says. */
  readonly summary: string;
  readonly fromZero?: boolean;
}

const COLOURS = 6;

export function Plot({ x, series, format, heightPx, fromZero = false }: ChartProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const font = `12px ${style.getPropertyValue('--mantine-font-family')}`;
    const axis: uPlot.Axis = {
      stroke: colour('--ink-soft'),
      font,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    };
    const plot = new uPlot(
      {
        width: Math.max(120, current.clientWidth),
        height: heightPx,
        scales: {
          x: { time: false, range: (_, least, most) => (least === most ? [least - 1, most + 1] : [least, most]) },
          y: { range: (_, least, most) => rangeOf(least, most, fromZero) },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 10_000],
            space: 44,
            size: 30,
          },
          {
            ...{ ...axis, size: 76, space: 34, values: (_, values) => values.map(format) },
            // A low chart has room for two numbers: nothing, and the top.
            ...(fromZero && { splits: (_, __, ___, most) => [0, topOf(most)] }),
          },
        ],
        series: [
          { label: 'round' },
          ...series.map(({ label, dash }, index): uPlot.Series => ({
            label,
            stroke: colour(`--series-${(index % COLOURS) + 1}`),
            width: index === 0 ? 2.5 : 1.5,
            ...(dash !== undefined && dash.length > 0 && { dash: [...dash] }),
            points: {
              show: x.length <= 30,
              size: index === 0 ? 7 : 5,
              fill: colour(`--series-${(index % COLOURS) + 1}`),
            },
            spanGaps: false,
          })),
        ],
        legend: { show: false },
        cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { show: true } },
        hooks: {
          setCursor: [
            (self) => {
              tell(self, series, format);
            },
          ],
        },
      },
      [[...x], ...series.map(({ values }) => [...values])],
      current,
    );
    const resized = new ResizeObserver(() => {
      plot.setSize({ width: Math.max(120, current.clientWidth), height: heightPx });
    });
    resized.observe(current);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [x, series, format, heightPx, fromZero]);
  return <div ref={place} className="plot" />;
}

/** Of the scale's end, the largest number that is round enough to read. */
function topOf(most: number): number {
  const unit = 10 ** Math.floor(Math.log10(most));
  return Math.floor(most / unit) * unit;
}

function rangeOf(least: number | null, most: number | null, fromZero: boolean): [number, number] {
  if (least === null || most === null) return [0, 1];
  const low = fromZero ? 0 : least;
  const room = Math.max((most - low) * 0.12, Math.abs(most) * 0.02, 1e-6);
  return [fromZero ? 0 : low - room, most + room];
}

/** The numbers under the cursor, at its side: text, whatever a hospital is called. */
function tell(plot: uPlot, series: readonly Series[], format: (value: number) => string): void {
  const { idx, left } = plot.cursor;
  let box = plot.over.querySelector<HTMLElement>('.plot-tip');
  if (idx === null || idx === undefined || left === undefined || left < 0) {
    box?.remove();
    return;
  }
  if (box === null) {
    box = document.createElement('div');
    box.className = 'plot-tip';
    plot.over.append(box);
  }
  const round = plot.data[0][idx];
  const lines = series
    .map(({ label, values }) => [label, values[idx] ?? null] as const)
    .filter((line): line is readonly [string, number] => line[1] !== null)
    .slice(0, 8)
    .map(([label, value]) => `${label}: ${format(value)}`);
  box.textContent = [`Round ${String(round)}`, ...lines].join('\n');
  const toLeft = left > plot.over.clientWidth / 2;
  box.style.left = toLeft ? '' : `${left + 12}px`;
  box.style.right = toLeft ? `${plot.over.clientWidth - left + 12}px` : '';
}
