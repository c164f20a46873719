/** The results of a run on the hospital's disk: figures as JSON, the same as a page, and its plots as files. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assessment } from '../learning/assessment.js';
import type { Summary } from '../learning/summary.js';
import { reliabilityChart, rocChart } from './charts.js';
import { columnsOf, reportPage } from './page.js';

/** For the hospital's own eyes: cells of a confusion matrix may be of one patient. */
const OWNER_ONLY = { mode: 0o600 } as const;

/** @returns The files that people open. Beside them RUN.roc.svg and RUN.reliability.svg. */
export async function writeResults(folder: string, summary: Summary): Promise<{ file: string; report: string }> {
  const path = (suffix: string): string => join(folder, `${summary.run}.${suffix}`);
  const files = { file: path('json'), report: path('report.html') };
  const columns = columnsOf(summary);
  const svg = (chart: { readonly html: string }): string => `<?xml version="1.0" encoding="UTF-8"?>\n${chart.html}\n`;
  await writeFile(files.file, `${JSON.stringify(summary, null, 2)}\n`, OWNER_ONLY);
  await writeFile(files.report, reportPage(summary), OWNER_ONLY);
  await writeFile(path('roc.svg'), svg(rocChart(summary.details.labels, columns)), OWNER_ONLY);
  await writeFile(path('reliability.svg'), svg(reliabilityChart(columns)), OWNER_ONLY);
  return files;
}

/** Writes the results of a finished run once more, with a head that was trained on all hospitals' images. */
export async function addPooled(folder: string, run: string, pooled: Assessment): Promise<void> {
  const summary = JSON.parse(await readFile(join(folder, `${run}.json`), 'utf8')) as Summary;
  await writeResults(folder, { ...summary, details: { ...summary.details, pooled } });
}
