/** The report as one HTML page: no script, no request, every text of a file escaped. */
import { escaped } from '../escaped.js';
import { SPLITS, type Findings } from './findings.js';
import { histogramCharts } from './histograms.js';
import { sentenceOf } from './reasons.js';

export interface Thumbnail {
  readonly file: string;
  /** Reason, or label. */
  readonly caption: string;
  /** JPEG; absent where the file gives no picture. */
  readonly jpeg?: Uint8Array;
}

export interface Sheets {
  readonly usable: readonly Thumbnail[];
  readonly quarantined: readonly Thumbnail[];
}

/** Images come from the page itself, styles from its head, nothing else from anywhere. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2733; background: #fff; max-width: 70rem; margin: 2rem auto; padding: 0 1.5rem }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }
p { color: #51606f; margin: .3rem 0 } table { border-collapse: collapse }
th, td { text-align: left; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #e2e8ee; vertical-align: top }
th { color: #51606f; font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
code { font: 13px/1.5 ui-monospace, monospace } td code { overflow-wrap: anywhere }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: .8rem }
figure { margin: 0 } figure img, .none { display: block; width: 100%; aspect-ratio: 1; background: #10161d; border-radius: 3px }
.none { display: flex; align-items: center; justify-content: center; color: #8fa1b3; font-size: 12px }
figcaption { font-size: 12px; line-height: 1.35; margin-top: .25rem; overflow-wrap: anywhere } figcaption b { display: block; font-weight: 600 }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem } .charts div { font-size: 13px }
.charts svg { display: block; border-bottom: 1px solid #8fa1b3 }
`;

type Cell = string | number;

function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = (k: number): string => (typeof rows[0]?.[k] === 'number' ? ' class="n"' : '');
  const headers = head.map((cell, k) => `<th${numeric(k)}>${escaped(cell)}</th>`).join('');
  const line = (row: readonly Cell[]): string =>
    `<tr>${row.map((cell, k) => `<td${numeric(k)}>${escaped(String(cell))}</td>`).join('')}</tr>`;
  return `<table><thead><tr>${headers}</tr></thead><tbody>${rows.map(line).join('')}</tbody></table>`;
}

function sheetOf(thumbnails: readonly Thumbnail[], total: number): string {
  if (total === 0) return '<p>None.</p>';
  const figures = thumbnails.map(({ file, caption, jpeg }) => {
    const picture =
      jpeg === undefined
        ? '<span class="none">no picture</span>'
        : `<img alt="" src="data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}">`;
    return `<figure>${picture}<figcaption><b>${escaped(caption)}</b>${escaped(file)}</figcaption></figure>`;
  });
  const note = thumbnails.length < total ? `<p>${thumbnails.length} of ${total}, evenly from the whole list.</p>` : '';
  return `${note}<div class="sheet">${figures.join('')}</div>`;
}

function classesOf({ classesBySplit, patients }: Findings): string {
  const labels = [...new Set(SPLITS.flatMap((part) => [...classesBySplit[part].keys()]))].sort();
  if (labels.length === 0) return '<p>No usable image.</p>';
  const rows = labels.map((label) => {
    const counts = SPLITS.map((part) => classesBySplit[part].get(label) ?? 0);
    return [label, ...counts, counts.reduce((sum, count) => sum + count, 0)];
  });
  const people = SPLITS.map((part) => patients[part]);
  return tableOf(
    ['Label', 'Train', 'Validation', 'Test', 'All'],
    [...rows, ['Patients', ...people, people.reduce((sum, count) => sum + count, 0)]],
  );
}

/** The ten most frequent sizes and formats of usable files. */
function sizesOf({ verdicts }: Findings): string {
  const counts = new Map<string, number>();
  for (const { status, file } of verdicts) {
    if (status !== 'usable' || file.examination === undefined) continue;
    const { width, height, format } = file.examination;
    const size = `${width} x ${height} ${format.toUpperCase()}`;
    counts.set(size, (counts.get(size) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const more = sorted.length > 10 ? `<p>and ${sorted.length - 10} more sizes</p>` : '';
  return sorted.length === 0
    ? '<p>No usable image.</p>'
    : tableOf(['Size and format', 'Images'], sorted.slice(0, 10)) + more;
}

const reasonsOf = (lists: ReadonlyMap<string, readonly string[]>): string =>
  lists.size === 0
    ? '<p>None.</p>'
    : tableOf(
        ['Code', 'Files', 'What it means', 'First files'],
        [...lists].map(([code, files]) => [
          code,
          files.length,
          sentenceOf(code),
          files.slice(0, 5).join(', ') + (files.length > 5 ? ', ...' : ''),
        ]),
      );

/** @returns the page; nothing in it comes from the network, also when it is opened. */
export function page(findings: Findings, sheets: Sheets): string {
  const { verdicts, reasons, flags } = findings;
  const usable = verdicts.filter(({ status }) => status === 'usable').length;
  const section = (title: string, content: string): string => `<h2>${title}</h2>\n${content}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width"><title>Data check</title><style>${STYLE}</style></head><body>
<h1>${usable} usable, ${verdicts.length - usable} quarantined</h1>
<p>Data check by consilium-hospital. This page shows patients' images and names of files: it stays in this hospital. Research use only.</p>
${[
  section('Classes and patients', classesOf(findings)),
  section('Quarantined', reasonsOf(reasons)),
  section('Usable, but worth a look', reasonsOf(flags)),
  section('Sizes', sizesOf(findings)),
  section('Greys after windowing, mean of each label', histogramCharts(verdicts)),
  section('Usable images', sheetOf(sheets.usable, usable)),
  section('Quarantined files', sheetOf(sheets.quarantined, verdicts.length - usable)),
].join('\n')}
</body></html>
`;
}
