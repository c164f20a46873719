/** ROC curves and reliability plots as SVG, readable alone and in a page: by light and by dark, and without seeing colours. */
import type { Assessment } from '../learning/assessment.js';
import { figure } from './figure-text.js';
import { markup, NOTHING, type Markup } from './markup.js';

/** One head: what it is called, and how it did. */
export interface Column {
  readonly title: string;
  readonly assessment: Assessment;
}

/** Curves that one can still tell apart, by colour (Okabe and Ito, 2008) and by dash. */
export const MOST_CURVES = 6;
const DASHES = ['none', '7 4', '2 3', '9 3 2 3', '1 2', '12 4'];

const SIDE = 220;
const GAP = 56;
const LEFT = 50;
const TOP = 42;
const LEGEND_LINE = 18;

const STYLE = markup`<style>
.c-chart text { font: 12px system-ui, sans-serif; fill: #1b1f24; }
.c-chart .c-title { font-weight: 600; }
.c-chart .c-small { font-size: 11px; fill: #57606a; }
.c-chart .c-frame { fill: none; stroke: #8c959f; }
.c-chart .c-grid { stroke: #d0d7de; stroke-width: 0.5; }
.c-chart .c-even { stroke: #8c959f; stroke-dasharray: 3 4; }
.c-chart .c-line { fill: none; stroke-width: 2; }
.c-0 { stroke: #0072b2; } .c-1 { stroke: #d55e00; } .c-2 { stroke: #009e73; }
.c-3 { stroke: #aa4499; } .c-4 { stroke: #8a6d00; } .c-5 { stroke: #1b1f24; }
.c-chart .c-dot { fill: #0072b2; fill-opacity: 0.75; stroke: #1b1f24; stroke-width: 0.5; }
.c-chart .c-off { stroke: #0072b2; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
.c-chart text { fill: #e6edf3; } .c-chart .c-small { fill: #9ea7b3; }
.c-chart .c-grid { stroke: #30363d; } .c-chart .c-frame, .c-chart .c-even { stroke: #6e7681; }
.c-0 { stroke: #56b4e9; } .c-1 { stroke: #ff9e4a; } .c-2 { stroke: #2fd6a3; }
.c-3 { stroke: #e8a0d0; } .c-4 { stroke: #f0e442; } .c-5 { stroke: #e6edf3; }
.c-chart .c-dot { fill: #56b4e9; stroke: #e6edf3; } .c-chart .c-off { stroke: #56b4e9; }
}
</style>`;

const x = (share: number): string => (share * SIDE).toFixed(1);
const y = (share: number): string => ((1 - share) * SIDE).toFixed(1);

/** Panels side by side, one for each head. */
function chart(
  name: string,
  axes: { readonly across: string; readonly up: string },
  columns: readonly Column[],
  draw: (column: Column) => Markup,
  legend: readonly Markup[],
): Markup {
  const width = LEFT + columns.length * (SIDE + GAP);
  const height = TOP + SIDE + 46 + legend.length * LEGEND_LINE;
  const panels = columns.map((column, i) => {
    const ticks = [0, 0.25, 0.5, 0.75, 1].map(
      (t) => markup`<line class="c-grid" x1="${x(t)}" x2="${x(t)}" y1="0" y2="${SIDE}"/>
<line class="c-grid" x1="0" x2="${SIDE}" y1="${y(t)}" y2="${y(t)}"/>
<text class="c-small" x="${x(t)}" y="${SIDE + 15}" text-anchor="middle">${t}</text>
${i === 0 ? markup`<text class="c-small" x="-6" y="${Number(y(t)) + 4}" text-anchor="end">${t}</text>` : NOTHING}`,
    );
    return markup`<g transform="translate(${LEFT + i * (SIDE + GAP)} ${TOP})">
<text class="c-title" x="${SIDE / 2}" y="-18" text-anchor="middle">${column.title}</text>${ticks}
<line class="c-even" x1="0" y1="${SIDE}" x2="${SIDE}" y2="0"/>${draw(column)}
<rect class="c-frame" width="${SIDE}" height="${SIDE}"/>
<text class="c-small" x="${SIDE / 2}" y="${SIDE + 32}" text-anchor="middle">${axes.across}</text></g>
`;
  });
  const lines = legend.map(
    (line, i) => markup`<g transform="translate(${LEFT} ${TOP + SIDE + 56 + i * LEGEND_LINE})">${line}</g>\n`,
  );
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="c-chart" role="img" aria-label="${name}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${name}</title>${STYLE}
<text class="c-small" transform="translate(14 ${TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">${axes.up}</text>
${panels}${lines}</svg>`;
}

/** The classes with the most test images first, at most {@link MOST_CURVES}. */
function drawnClasses([first]: readonly Column[]): readonly number[] {
  const classes = first?.assessment.perClass ?? [];
  const byCount = [...classes.keys()].sort((a, b) => (classes[b]?.examples ?? 0) - (classes[a]?.examples ?? 0));
  return byCount.slice(0, MOST_CURVES).sort((a, b) => a - b);
}

export function rocChart(labels: readonly string[], columns: readonly Column[]): Markup {
  const drawn = drawnClasses(columns);
  const line = (slot: number): Markup => markup`class="c-line c-${slot}" stroke-dasharray="${DASHES[slot] ?? 'none'}"`;
  const curves = ({ assessment }: Column): Markup => {
    const paths = drawn.map((c, slot) => {
      const points = assessment.perClass[c]?.roc ?? [];
      const path = points.map((point) => `${x(point.falsePositiveRate)},${y(point.truePositiveRate)}`).join(' ');
      return points.length === 0 ? NOTHING : markup`<polyline ${line(slot)} points="${path}"/>\n`;
    });
    return markup`${paths}`;
  };
  const legend = drawn.map((c, slot) => {
    const areas = columns.map(({ title, assessment }) => `${title} ${figure(assessment.perClass[c]?.auc)}`).join(', ');
    const text = `${labels[c] ?? ''}: area ${areas}`;
    return markup`<line ${line(slot)} x1="0" x2="30" y1="-4" y2="-4"/><text x="38" y="0">${text}</text>`;
  });
  const axes = { across: '1 - specificity', up: 'sensitivity' };
  return chart('ROC curves, each class against the rest', axes, columns, curves, legend);
}

/** A dot on the diagonal is a head that is right as often as it is sure; its area is its share of the test images. */
export function reliabilityChart(columns: readonly Column[]): Markup {
  const dots = ({ assessment }: Column): Markup => {
    const bins = assessment.reliability.map(({ examples, confidence, accuracy }) => {
      const radius = Math.max(2.5, 11 * Math.sqrt(examples / assessment.examples)).toFixed(1);
      return markup`<line class="c-off" x1="${x(confidence)}" x2="${x(confidence)}" y1="${y(confidence)}" y2="${y(accuracy)}"/>
<circle class="c-dot" cx="${x(confidence)}" cy="${y(accuracy)}" r="${radius}"><title>${examples} images</title></circle>\n`;
    });
    return markup`${bins}`;
  };
  const errors = columns.map(({ title, assessment }) => `${title} ${figure(assessment.calibrationError)}`).join(', ');
  const legend = [markup`<text x="0" y="0">Calibration error (ECE, 15 bins): ${errors}</text>`];
  const axes = { across: 'confidence', up: 'share that was right' };
  return chart('Reliability: how sure, and how often right', axes, columns, dots, legend);
}
