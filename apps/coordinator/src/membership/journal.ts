/**
 * The folder `membership/`: one file for each entry, in the order of their numbers, each with the hash of the one before.
 *
 *     000001.json  000002.json  ...
 *
 * An entry is taken by linking its file, which fails where another process was faster: commands and a daemon of one home, or
 * two coordinators on one shared folder, write without a lock, and nobody decides on a state that is not the last one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isMissing } from '../durable-file.js';
import { CoordinatorError } from '../errors.js';
import { membershipEventSchema, type MembershipEvent } from './events.js';

const entrySchema = z.strictObject({
  seq: z.int().min(1),
  at: z.iso.datetime(),
  /** SHA-256 of the file before. */
  prev: z.string().regex(/^[0-9a-f]{64}$/),
  event: membershipEventSchema,
});
export type MembershipEntry = z.infer<typeof entrySchema>;

const NOTHING_BEFORE = '0'.repeat(64);
const ENTRY_BYTES = 65_536;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export class MembershipJournal {
  #seq = 0;
  #prev = NOTHING_BEFORE;

  constructor(private readonly folder: string) {}

  /** Entries that are new since the last call. @throws {@link CoordinatorError} `MEMBERSHIP_BROKEN`. */
  async readNew(): Promise<MembershipEntry[]> {
    const entries: MembershipEntry[] = [];
    for (;;) {
      const text = await readFile(this.#path(this.#seq + 1), 'utf8').catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (text === undefined) return entries;
      entries.push(this.#parse(text));
      this.#seq += 1;
      this.#prev = digestOf(text);
    }
  }

  /** @returns false where another entry has come meanwhile: it is to be read, and the decision made again. */
  async append(at: string, event: MembershipEvent): Promise<boolean> {
    const entry: MembershipEntry = { seq: this.#seq + 1, at, prev: this.#prev, event };
    const text = `${JSON.stringify(entrySchema.parse(entry))}\n`;
    if (text.length > ENTRY_BYTES) throw new RangeError('an entry of the membership is too large');
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const temporary = join(this.folder, `.${randomBytes(8).toString('hex')}.tmp`);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      // Complete and durable here: a crash before the next line leaves an unused file, and nothing has happened.
      await link(temporary, this.#path(entry.seq));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
    await this.#syncFolder();
    return true;
  }

  #path(seq: number): string {
    return join(this.folder, `${String(seq).padStart(6, '0')}.json`);
  }

  async #syncFolder(): Promise<void> {
    if (process.platform === 'win32') return;
    const folder = await open(this.folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  #parse(text: string): MembershipEntry {
    try {
      const entry = entrySchema.parse(JSON.parse(text));
      if (entry.seq === this.#seq + 1 && entry.prev === this.#prev) return entry;
    } catch {
      // Told below, without what it says.
    }
    throw new CoordinatorError(
      'MEMBERSHIP_BROKEN',
      `${this.#path(this.#seq + 1)} is not what was written after the entry before it: restore the folder from a backup`,
    );
  }
}
