/** Reads rows in order, page by page, with about the same number of bytes in memory whatever the size of a row. */
import type { Row } from './database.js';

const TARGET_BYTES = 1 << 20;
const MAX_ROWS = 2_048;
const FIRST_ROWS = 32;

/**
 * @param fetch - the rows behind `after` (from the beginning when undefined), at most `limit`.
 * @param sizeOf - of a row, in characters or bytes.
 */
export async function* pages(
  fetch: (after: Row | undefined, limit: number) => Promise<readonly Row[]>,
  sizeOf: (row: Row) => number,
): AsyncGenerator<Row> {
  let after: Row | undefined;
  for (let limit = FIRST_ROWS; ;) {
    const rows = await fetch(after, limit);
    yield* rows;
    if (rows.length < limit) return;
    after = rows.at(-1);
    const pageBytes = rows.reduce((sum, row) => sum + sizeOf(row), 1);
    limit = Math.max(1, Math.min(MAX_ROWS, Math.floor((rows.length * TARGET_BYTES) / pageBytes)));
  }
}
