/** Tables written by people and by spreadsheets: UTF-8, commas, a header. Checked line by line; no message quotes a cell. */
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { ImagingError } from './errors.js';
import { readBoundedFile } from './image-file.js';

/** Some 500,000 rows. */
const TABLE_BYTES_MAX = 64 * 1024 * 1024;
const RECORD_LENGTH_MAX = 16 * 1024;

export interface CsvRecord {
  readonly cells: readonly string[];
  /** From 1. */
  readonly line: number;
}

export const invalidTable = (message: string, table: string, line: number): never => {
  throw new ImagingError('MANIFEST_INVALID', `${table}, line ${line}: ${message}`, { line });
};

async function readText(folder: string, fileName: string, table: string): Promise<string> {
  const bytes = await readBoundedFile(folder, fileName, TABLE_BYTES_MAX);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ImagingError('MANIFEST_INVALID', `${table} is not UTF-8: save it as "CSV UTF-8"`);
  }
}

/**
 * @param fileName - relative to `folder`.
 * @param table - what messages call it: not a name that a person chose.
 * @returns all lines but empty ones, the header first, each with as many cells as the header.
 * @throws {@link ImagingError} `MANIFEST_INVALID` with `line`, and the codes of a file that cannot be read.
 */
export async function readTable(folder: string, fileName: string, table: string): Promise<CsvRecord[]> {
  try {
    const records = parse(await readText(folder, fileName, table), {
      bom: true,
      info: true,
      max_record_size: RECORD_LENGTH_MAX,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error['lines'] === 'number' ? error['lines'] : 1;
    // The parser's own message may quote the cell.
    return invalidTable(
      error.code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH'
        ? 'it has more or fewer cells than the header'
        : 'it is not CSV',
      table,
      line,
    );
  }
}
