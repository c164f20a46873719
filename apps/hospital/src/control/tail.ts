/** The end of a file that grows, line by line. */
import { open } from 'node:fs/promises';
import { isMissing } from '../durable-file.js';

const READ_MAX_BYTES = 1_048_576;

export class Tail {
  #at: number | undefined;

  /** @param whole - begin at the beginning, a mebibyte at a time, and not near the end. */
  constructor(
    private readonly path: string,
    { whole = false } = {},
  ) {
    if (whole) this.#at = 0;
  }

  /**
   * @returns The lines that came since the last call; at the first one, those of the last mebibyte where not all are wanted. A file that became shorter
   *   was begun anew, and is read from its beginning. Nothing where there is no file.
   */
  async next(): Promise<string[]> {
    const file = await open(this.path, 'r').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (file === undefined) return [];
    try {
      const { size } = await file.stat();
      if (this.#at !== undefined && size < this.#at) this.#at = 0;
      const isFirst = this.#at === undefined;
      const from = this.#at ?? Math.max(0, size - READ_MAX_BYTES);
      const bytes = Buffer.alloc(Math.min(READ_MAX_BYTES, size - from));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      // Whole lines only: a letter of several bytes would otherwise be torn.
      const end = bytes.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
      this.#at = from + end;
      const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
      return isFirst && from > 0 ? lines.slice(1) : lines;
    } finally {
      await file.close();
    }
  }
}
