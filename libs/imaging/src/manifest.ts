/** `manifest.csv`: which images there are, with their labels. Written by people and by spreadsheets, so checked line by line. */
import { posix } from 'node:path';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { ImagingError } from './errors.js';
import { readBoundedFile } from './image-file.js';

const MANIFEST = 'manifest.csv';
/** Some 500,000 rows. */
const MANIFEST_BYTES_MAX = 64 * 1024 * 1024;
const RECORD_LENGTH_MAX = 16 * 1024;

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

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

const invalid = (message: string, line: number): never => {
  throw new ImagingError('MANIFEST_INVALID', `${MANIFEST}, line ${line}: ${message}`, { line });
};

async function readText(folder: string): Promise<string> {
  const bytes = await readBoundedFile(folder, MANIFEST, MANIFEST_BYTES_MAX).catch((error: unknown) => {
    if (error instanceof ImagingError && error.code === 'FILE_MISSING') {
      throw new ImagingError('MANIFEST_MISSING', `the folder has no ${MANIFEST}`);
    }
    throw error;
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ImagingError('MANIFEST_INVALID', `${MANIFEST} is not UTF-8: save it as "CSV UTF-8"`);
  }
}

function parseCsv(text: string): readonly CsvRecord[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      max_record_size: RECORD_LENGTH_MAX,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as CsvRecord[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error['lines'] === 'number' ? error['lines'] : 1;
    // The parser's own message may quote the cell.
    return invalid(
      error.code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH'
        ? 'it has more or fewer cells than the header'
        : 'it is not CSV',
      line,
    );
  }
}

/** @returns where each column is; the first row of a file. */
function columnsOf(header: CsvRecord | undefined): ReadonlyMap<Column, number> {
  const columns = new Map<Column, number>();
  for (const name of [...required, ...optional]) {
    const at = header?.record.indexOf(name) ?? -1;
    if (at >= 0 && header?.record.lastIndexOf(name) !== at) return invalid(`there are two columns "${name}"`, 1);
    if (at >= 0) columns.set(name, at);
    else if (required.some((column) => column === name)) {
      const why = `${MANIFEST} has no column "${name}" (columns are parted by commas)`;
      throw new ImagingError('MANIFEST_COLUMN_MISSING', why, { line: 1 });
    }
  }
  return columns;
}

const isSplit = (text: string): text is Split => splits.some((split) => split === text);

function rowOf({ record, info: { lines: line } }: CsvRecord, columns: ReadonlyMap<Column, number>): ManifestRow {
  const cell = (column: Column): string | undefined => {
    const at = columns.get(column);
    return at === undefined ? undefined : (record[at] ?? '');
  };
  const filled = (column: Column): string => cell(column) || invalid(`"${column}" is empty`, line);
  const image = posix.normalize(filled('image').replaceAll('\\', '/'));
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
  const [header, ...records] = parseCsv(await readText(folder));
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
