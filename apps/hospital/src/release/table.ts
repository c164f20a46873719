/** `predictions.csv`: one line for each file. */
import type { PageEntry } from './page.js';

/** A spreadsheet would run what begins like this as a formula; a file name may be made so. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(text: string): string {
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** @param labels - of the study, in its order. Probabilities have six digits; a cell without one is empty. */
export function predictionsCsv(labels: readonly string[], entries: readonly PageEntry[]): string {
  const head = ['file', 'status', 'reason', 'label', ...labels.map((label) => `p(${label})`), 'heatmap', 'note'];
  const rows = entries.map(({ prediction, picture = '' }) => {
    const { file, status, note } = prediction;
    if (status === 'quarantined') return [file, status, prediction.reason, '', ...labels.map(() => ''), picture, note];
    const shares = labels.map((label) => (prediction.probabilities[label] ?? NaN).toFixed(6));
    return [file, status, '', prediction.label, ...shares, picture, note];
  });
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
