/** `manifest.csv`: which images there are, with their labels. */
import { posix } from 'node:path';
import { type CsvRecord, invalidTable, readTable } from './csv-table.js';
import { ImagingError } from './errors.js';

export const MANIFEST = 'manifest.csv';

const required = ['image', 'label', 'site'] as const;
const optional = ['patient', 'split'] as const;
const splits = ['train', 'validation', 'test'] as const;

type Column = (typeof required)[number] | (typeof optional)[number];
export type Split = (typeof splits)[number];

export interface ManifestRow {
  /** Relative to the folder, with `/`; no two rows share one. */
  readonly image: string;
  readonly label: string;
  readonly site: string;
  /** The image itself where the manifest has no column for patients. */
  readonly patient: string;
  /** Absent: to be assigned. */
  readonly split?: Split;
  /** In the manifest, from 1. */
  readonly line: number;
}

const invalid = (message: string, line: number): never => invalidTable(message, MANIFEST, line);

async function readRecords(folder: string): Promise<CsvRecord[]> {
  try {
    return await readTable(folder, MANIFEST, MANIFEST);
  } catch (error) {
    if (!(error instanceof ImagingError && error.code === 'FILE_MISSING')) throw error;
    throw new ImagingError('MANIFEST_MISSING', `the folder has no ${MANIFEST}`);
  }
}

/** @returns where each column is; the first row of a file. */
function columnsOf(header: CsvRecord | undefined): ReadonlyMap<Column, number> {
  const columns = new Map<Column, number>();
  for (const name of [...required, ...optional]) {
    const at = header?.cells.indexOf(name) ?? -1;
    if (at >= 0 && header?.cells.lastIndexOf(name) !== at) return invalid(`there are two columns "${name}"`, 1);
    if (at >= 0) columns.set(name, at);
    else if (required.some((column) => column === name)) {
      const why = `${MANIFEST} has no column "${name}" (columns are parted by commas)`;
      throw new ImagingError('MANIFEST_COLUMN_MISSING', why, { line: 1 });
    }
  }
  return columns;
}

export const isSplit = (text: string): text is Split => splits.some((split) => split === text);

/** One spelling for one file; a name that leads out of the folder still does so. */
export const normalName = (name: string): string => posix.normalize(name.replaceAll('\\', '/'));

function rowOf({ cells, line }: CsvRecord, columns: ReadonlyMap<Column, number>): ManifestRow {
  const cell = (column: Column): string | undefined => {
    const at = columns.get(column);
    return at === undefined ? undefined : (cells[at] ?? '');
  };
  const filled = (column: Column): string => cell(column) || invalid(`"${column}" is empty`, line);
  const image = normalName(filled('image'));
  // An empty patient is not "its own patient": one forgotten cell would let a patient into training and test.
  const patient = columns.has('patient') ? filled('patient') : image;
  const row = { image, label: filled('label'), site: filled('site'), patient, line };
  const split = cell('split') ?? '';
  if (split === '') return row;
  return isSplit(split) ? { ...row, split } : invalid(`"split" is not one of ${splits.join(', ')}`, line);
}

/**
 * Reads `manifest.csv` of a folder: columns image, label, site, and perhaps patient and split; others are ignored. An
 * empty split means "to be assigned"; every other empty cell is an error. Names of images are not looked up here.
 *
 * @throws {@link ImagingError} `MANIFEST_MISSING`, `MANIFEST_COLUMN_MISSING`, `MANIFEST_INVALID` with `line`, and the codes
 * of a file that cannot be read. No message quotes a cell.
 */
export async function readManifest(folder: string): Promise<ManifestRow[]> {
  const [header, ...records] = await readRecords(folder);
  const columns = columnsOf(header);
  const lines = new Map<string, number>();
  return records.map((record) => {
    const row = rowOf(record, columns);
    const first = lines.get(row.image);
    if (first !== undefined) invalid(`the same image as in line ${first}`, row.line);
    lines.set(row.image, row.line);
    return row;
  });
}
