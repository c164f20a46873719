/**
 * A label table: what the reading room knows about files, studies or instances, as a PACS or a spreadsheet exports it.
 * Its keys are compared, never opened: an instance UID like `../../x` finds no file.
 */
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type CsvRecord, invalidTable, readTable } from './csv-table.js';
import { ImagingError } from './errors.js';
import { isSplit, normalName, type Split } from './manifest.js';

const TABLE = 'the label table';

/** Column names by meaning, in small letters without spaces, hyphens and underscores. */
const columnNames = {
  file: ['file', 'image', 'filename'],
  instance: ['sopinstanceuid'],
  accession: ['accessionnumber'],
  label: ['label', 'finding'],
  patient: ['patient', 'patientid'],
  split: ['split'],
  site: ['site'],
} as const;

type Column = keyof typeof columnNames;
const keys = ['file', 'instance', 'accession'] as const;

export interface LabelEntry {
  /** Absent where the cell is empty: the image is known, and not labelled yet. */
  readonly label?: string;
  readonly patient?: string;
  readonly split?: Split;
  readonly site?: string;
  /** In the table, from 1. */
  readonly line: number;
}

export interface LabelTable {
  /** By name relative to the folder of images, with `/`; names may lead nowhere or outside. */
  readonly byFile: ReadonlyMap<string, LabelEntry>;
  readonly byInstance: ReadonlyMap<string, LabelEntry>;
  /** One entry holds for every image of the examination. */
  readonly byAccession: ReadonlyMap<string, LabelEntry>;
}

function columnsOf(header: CsvRecord | undefined): ReadonlyMap<Column, number> {
  const cells = (header?.cells ?? []).map((cell) => cell.toLowerCase().replaceAll(/[\s_-]/g, ''));
  const columns = new Map<Column, number>();
  for (const column of Object.keys(columnNames) as Column[]) {
    const found = cells.flatMap((cell, at) => (columnNames[column].some((name) => name === cell) ? [at] : []));
    if (found.length > 1) return invalidTable(`there are two columns for "${columnNames[column][0]}"`, TABLE, 1);
    if (found[0] !== undefined) columns.set(column, found[0]);
  }
  const missing = !columns.has('label')
    ? '"label"'
    : keys.some((key) => columns.has(key))
      ? undefined
      : '"file", "SOPInstanceUID" or "AccessionNumber"';
  if (missing === undefined) return columns;
  const why = `${TABLE} has no column ${missing} (columns are parted by commas)`;
  throw new ImagingError('MANIFEST_COLUMN_MISSING', why, { line: 1 });
}

function entryOf(cell: (column: Column) => string, hasPatients: boolean, line: number): LabelEntry {
  const [label, patient, split, site] = [cell('label'), cell('patient'), cell('split'), cell('site')];
  // An empty patient is not "its own patient": one forgotten cell would let a patient into training and test.
  if (hasPatients && patient === '') return invalidTable('"patient" is empty', TABLE, line);
  if (split !== '' && !isSplit(split)) {
    return invalidTable('"split" is not one of train, validation, test', TABLE, line);
  }
  return {
    line,
    ...(label !== '' && { label }),
    ...(patient !== '' && { patient }),
    ...(split !== '' && { split }),
    ...(site !== '' && { site }),
  };
}

/**
 * Reads a CSV with the columns label (or finding) and at least one of file (or image), SOPInstanceUID and AccessionNumber; perhaps
 * patient, split and site. Capitals, spaces and underscores in the header do not matter; other columns are ignored.
 *
 * @param file - trusted, from the hospital's configuration or command line.
 * @throws {@link ImagingError} `MANIFEST_MISSING`, `MANIFEST_COLUMN_MISSING`, `MANIFEST_INVALID` with `line`, and the codes
 * of a file that cannot be read. No message quotes a cell or a name.
 */
export async function readLabelTable(file: string): Promise<LabelTable> {
  const path = await realpath(file).catch(() => {
    throw new ImagingError('MANIFEST_MISSING', `${TABLE} does not exist`);
  });
  const [header, ...records] = await readTable(dirname(path), basename(path), TABLE);
  const columns = columnsOf(header);
  const maps = {
    file: new Map<string, LabelEntry>(),
    instance: new Map<string, LabelEntry>(),
    accession: new Map<string, LabelEntry>(),
  };
  for (const { cells, line } of records) {
    const cell = (column: Column): string => cells[columns.get(column) ?? -1] ?? '';
    const entry = entryOf(cell, columns.has('patient'), line);
    const filled = keys.filter((key) => cell(key) !== '');
    if (filled.length === 0) invalidTable('no cell says which image it is', TABLE, line);
    // The narrowest key decides: a table of instances may repeat its accession number on every line.
    const [key] = filled as [(typeof keys)[number]];
    const value = key === 'file' ? normalName(cell(key)) : cell(key);
    const first = maps[key].get(value);
    if (first !== undefined) invalidTable(`the same image or examination as in line ${first.line}`, TABLE, line);
    maps[key].set(value, entry);
  }
  return { byFile: maps.file, byInstance: maps.instance, byAccession: maps.accession };
}
