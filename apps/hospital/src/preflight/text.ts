/** The findings for a terminal. Names of files, but no patients: a terminal is looked at over shoulders. */
import Table from 'cli-table3';
import { SPLITS, type Findings } from './findings.js';
import { sentenceOf } from './reasons.js';

const FILES_SHOWN = 3;
/** File names come from anywhere: control and direction characters, which would steer the terminal, become question marks. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string => {
  const made = new Table({ head: [...head], style: { head: [], border: [], compact: true }, wordWrap: false });
  for (const row of rows) made.push(row.map((cell) => (typeof cell === 'string' ? printable(cell) : cell)));
  return made.toString();
};

/** A table of codes, and below it where each begins: names are too long for a column of a terminal. */
function codesText(lists: ReadonlyMap<string, readonly string[]>, title: string): string {
  if (lists.size === 0) return '';
  const rows = [...lists].map(([code, files]) => [code, files.length, sentenceOf(code)]);
  const first = [...lists].map(([code, files]) => {
    const more = files.length > FILES_SHOWN ? `, and ${files.length - FILES_SHOWN} more` : '';
    return `  ${code}: ${printable(files.slice(0, FILES_SHOWN).join(', '))}${more}`;
  });
  return [table([title, 'files', 'what it means'], rows), ...first].join('\n');
}

/** @returns several lines, without a final newline. */
export function findingsText({ verdicts, classesBySplit, patients, reasons, flags }: Findings): string {
  const usable = verdicts.filter(({ status }) => status === 'usable').length;
  const labels = [...new Set(SPLITS.flatMap((part) => [...classesBySplit[part].keys()]))].sort();
  const classRows = labels.map((label) => [label, ...SPLITS.map((part) => classesBySplit[part].get(label) ?? 0)]);
  const sections = [
    `usable ${usable}, quarantined ${verdicts.length - usable}`,
    labels.length === 0
      ? ''
      : table(['label', ...SPLITS], [...classRows, ['(patients)', ...SPLITS.map((part) => patients[part])]]),
    codesText(reasons, 'quarantined'),
    codesText(flags, 'usable, but worth a look'),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}
