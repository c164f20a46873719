/**
 * The hash-chained journal of what left:
 *
 *     egress.jsonl   egress.000000001-000004711.jsonl (full ones)   egress.head (number and digest of the last line)
 *
 * A line is written before its message is handed to the network: what cannot be journalled is not sent. Writing is
 * synchronous, because the order of lines is the order of messages.
 */
import {
  closeSync,
  fdatasync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { HospitalError } from '../errors.js';
import { digestOfLine, entrySchema, NOTHING_BEFORE, type Entry } from './entry.js';

export const JOURNAL = 'egress.jsonl';
export const HEAD = 'egress.head';
const ROTATE_AT_BYTES = 16 * 2 ** 20;

export const headSchema = z.strictObject({ seq: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** Ten and sixty-four digits: it is overwritten in place, and never changes its size. */
const headText = (seq: number, sha256: string): string => `{"seq":${String(seq).padEnd(12)},"sha256":"${sha256}"}\n`;

const synchronise = promisify(fdatasync);

const number = (seq: number): string => String(seq).padStart(9, '0');

export type NewEntry = Omit<Entry, 'seq' | 'time' | 'prev'>;

export class EgressJournal {
  #file: number;
  readonly #head: number;
  #sizeBytes: number;
  #seq: number;
  #firstSeq: number;
  #prev: string;
  #flushing: Promise<void> = Promise.resolve();

  /** @throws {@link HospitalError} `EGRESS_JOURNAL_BROKEN` when what is there does not end as it says. */
  constructor(
    private readonly home: string,
    private readonly now: () => Date = () => new Date(),
    private readonly rotateAtBytes = ROTATE_AT_BYTES,
  ) {
    const path = join(home, JOURNAL);
    const head = readHead(home);
    this.#file = openSync(path, 'a+', 0o600);
    const hadHead = head !== undefined;
    this.#head = openSync(join(home, HEAD), hadHead ? 'r+' : 'w+', 0o600);
    if (!hadHead) writeSync(this.#head, headText(0, NOTHING_BEFORE), 0);
    const { lines, sizeBytes } = wholeLines(readFileSync(path));
    // A line that was cut off by a crash was never followed by its message.
    if (fstatSync(this.#file).size > sizeBytes) ftruncateSync(this.#file, sizeBytes);
    this.#sizeBytes = sizeBytes;
    const last = lines.at(-1);
    const entry = last === undefined ? undefined : entryOf(last).seq;
    this.#seq = entry ?? head?.seq ?? 0;
    this.#firstSeq = lines[0] === undefined ? this.#seq + 1 : entryOf(lines[0]).seq;
    this.#prev = last === undefined ? (head?.sha256 ?? NOTHING_BEFORE) : digestOfLine(last);
    // What was not waited for may be missing from the head after a power failure; what it names must be there, and go on.
    const { seq, sha256 } = head ?? { seq: 0, sha256: NOTHING_BEFORE };
    const next = lines[seq + 1 - this.#firstSeq];
    const isAsWritten = this.#seq === seq ? this.#prev === sha256 : next !== undefined && entryOf(next).prev === sha256;
    if (!isAsWritten || (!hadHead && this.#seq > 0)) {
      this.close();
      throw new HospitalError(
        'EGRESS_JOURNAL_BROKEN',
        'egress.jsonl does not end where egress.head says: run egress verify, and move both aside to begin a new journal',
      );
    }
  }

  append(entry: NewEntry): void {
    if (this.#sizeBytes >= this.rotateAtBytes) this.#rotate();
    const seq = this.#seq + 1;
    const full: Entry = { seq, time: this.now().toISOString(), ...entry, prev: this.#prev };
    const line = JSON.stringify(full);
    this.#sizeBytes += writeSync(this.#file, `${line}\n`);
    this.#seq = seq;
    this.#prev = digestOfLine(line);
    writeSync(this.#head, headText(seq, this.#prev), 0);
  }

  /** Lines are on the disk when it resolves. The head may be behind after a power failure, which costs no line. */
  flush(): Promise<void> {
    const flushed = synchronise(this.#file);
    this.#flushing = Promise.allSettled([this.#flushing, flushed]).then(() => undefined);
    return flushed;
  }

  close(): void {
    fsyncSync(this.#file);
    fsyncSync(this.#head);
    this.#closeLater(this.#file);
    this.#closeLater(this.#head);
  }

  /** A file is not closed under a flush that is under way. */
  #closeLater(file: number): void {
    void this.#flushing.then(() => {
      closeSync(file);
    });
  }

  #rotate(): void {
    fsyncSync(this.#file);
    fsyncSync(this.#head);
    this.#closeLater(this.#file);
    const full = `egress.${number(this.#firstSeq)}-${number(this.#seq)}.jsonl`;
    renameSync(join(this.home, JOURNAL), join(this.home, full));
    this.#file = openSync(join(this.home, JOURNAL), 'a', 0o600);
    this.#sizeBytes = 0;
    this.#firstSeq = this.#seq + 1;
  }
}

export function readHead(home: string): z.infer<typeof headSchema> | undefined {
  const path = join(home, HEAD);
  if (!existsSync(path)) return undefined;
  try {
    return headSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    throw new HospitalError('EGRESS_JOURNAL_BROKEN', 'egress.head cannot be read: run egress verify');
  }
}

/** Lines that have their end, and how many bytes they take. */
export function wholeLines(bytes: Buffer): { readonly lines: string[]; readonly sizeBytes: number } {
  const sizeBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, Math.max(0, sizeBytes - 1)).toString('utf8');
  return { lines: sizeBytes === 0 ? [] : lines.split('\n'), sizeBytes };
}

function entryOf(line: string): Entry {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    throw new HospitalError('EGRESS_JOURNAL_BROKEN', 'a line of egress.jsonl cannot be read: run egress verify');
  }
}
