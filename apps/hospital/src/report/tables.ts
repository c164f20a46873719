/** The tables of the report: figures with their intervals, figures per class, confusion matrices. */
import type { Evaluation, Interval } from '@consilium/head';
import type { Column } from './charts.js';
import { figure, plural, range } from './figure-text.js';
import { markup, NOTHING, type Markup } from './markup.js';

/** Rows and columns of a matrix that a page can hold; the rest is in the JSON file beside it. */
export const MOST_CLASSES = 12;

const cell = (value: number | null | undefined, interval?: Interval | null): Markup =>
  markup`<td>${figure(value)}${interval === undefined ? NOTHING : markup`<small>${range(interval)}</small>`}</td>`;

const heads = (columns: readonly Column[]): readonly Markup[] =>
  columns.map(({ title }) => markup`<th scope="col">${title}</th>`);

export function figureTable(columns: readonly Column[]): Markup {
  const row = (name: string, of: (column: Column) => Markup): Markup =>
    markup`<tr><th scope="row">${name}</th>${columns.map(of)}</tr>\n`;
  return markup`<div class="wide"><table><thead><tr><td></td>${heads(columns)}</tr></thead><tbody>
${row('Balanced accuracy', ({ assessment: a }) => cell(a.balancedAccuracy, a.intervals.balancedAccuracy))}
${row('AUC, mean over classes', ({ assessment: a }) => cell(a.auc, a.intervals.auc))}
${row('Accuracy', ({ assessment: a }) => cell(a.accuracy, a.intervals.accuracy))}
${row('Cross-entropy (lower is better)', ({ assessment: a }) => cell(a.loss))}
${row('Calibration error (lower is better)', ({ assessment: a }) => cell(a.calibrationError))}
</tbody></table></div>`;
}

export function classTable(labels: readonly string[], columns: readonly Column[]): Markup {
  const figures = ['sensitivity', 'specificity', 'auc'] as const;
  const names = { sensitivity: 'Sensitivity', specificity: 'Specificity', auc: 'AUC' };
  const groups = labels.slice(0, MOST_CLASSES).map((label, c) => {
    const examples = columns[0]?.assessment.perClass[c]?.examples ?? 0;
    const rows = figures.map((name, i) => {
      const cells = columns.map(({ assessment }) =>
        cell(assessment.perClass[c]?.[name], assessment.intervals.perClass[c]?.[name]),
      );
      const first =
        i === 0
          ? markup`<th scope="rowgroup" rowspan="3">${label}<small>${plural(examples, 'test image')}</small></th>`
          : NOTHING;
      return markup`<tr>${first}<th scope="row">${names[name]}</th>${cells}</tr>\n`;
    });
    return markup`<tbody>${rows}</tbody>`;
  });
  return markup`<div class="wide"><table><thead><tr><td colspan="2"></td>${heads(columns)}</tr></thead>${groups}</table></div>`;
}

/** Shaded by the share of the row, so that a rare class is as visible as a common one. */
export function confusionTable(labels: readonly string[], title: string, { confusion }: Evaluation): Markup {
  const shown = labels.slice(0, MOST_CLASSES);
  const rows = shown.map((label, c) => {
    const counts = confusion[c] ?? [];
    const total = counts.reduce((a, b) => a + b, 0);
    const cells = shown.map((_, p) => {
      const count = counts[p] ?? 0;
      const shade = total === 0 ? 0 : Math.round((60 * count) / total);
      return markup`<td class="${p === c ? 'right' : 'wrong'}" style="--shade:${shade}%">${count}</td>`;
    });
    return markup`<tr><th scope="row">${label}</th>${cells}</tr>\n`;
  });
  const predicted = shown.map((label) => markup`<th scope="col">${label}</th>`);
  return markup`<table class="confusion"><caption>${title}</caption>
<thead><tr><td>true \\ predicted</td>${predicted}</tr></thead><tbody>${rows}</tbody></table>`;
}

export function countTable(head: readonly [string, string], counts: Readonly<Record<string, number>>): Markup {
  const rows = Object.entries(counts).map(([name, n]) => markup`<tr><th scope="row">${name}</th><td>${n}</td></tr>\n`);
  return markup`<table><thead><tr><th scope="col">${head[0]}</th><th scope="col">${head[1]}</th></tr></thead><tbody>${rows}</tbody></table>`;
}
