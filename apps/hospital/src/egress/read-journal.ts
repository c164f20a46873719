/** The whole journal, rotated files included, and whether it is as it was written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfLine, entrySchema, NOTHING_BEFORE, type Entry } from './entry.js';
import { JOURNAL, readHead, wholeLines } from './journal.js';

export interface Fault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly what: string;
}

export interface JournalReading {
  /** Up to the first fault. */
  readonly entries: readonly Entry[];
  readonly fault: Fault | undefined;
}

/** @returns Everything up to the first line that was removed, altered, added or moved. */
export async function readJournal(home: string): Promise<JournalReading> {
  const entries: Entry[] = [];
  let prev = NOTHING_BEFORE;
  let place = { file: JOURNAL, line: 1 };
  for (const file of await filesOf(home)) {
    const { lines } = wholeLines(await readFile(join(home, file)));
    for (const [k, text] of lines.entries()) {
      place = { file, line: k + 1 };
      const entry = entryOf(text);
      const stop = (what: string): JournalReading => ({ entries, fault: { ...place, what } });
      if (entry === undefined) return stop('is not an entry');
      if (entry.seq !== entries.length + 1) {
        return stop(`has the number ${entry.seq} where ${entries.length + 1} belongs: lines are missing or were moved`);
      }
      if (entry.prev !== prev) return stop('does not follow from the line before: one of the two was altered');
      entries.push(entry);
      prev = digestOfLine(text);
    }
  }
  return { entries, fault: endFault(home, entries, prev, place) };
}

function endFault(
  home: string,
  entries: readonly Entry[],
  prev: string,
  place: Omit<Fault, 'what'>,
): Fault | undefined {
  let head: ReturnType<typeof readHead>;
  try {
    head = readHead(home);
  } catch {
    return { ...place, what: 'egress.head cannot be read' };
  }
  if (head === undefined) return entries.length === 0 ? undefined : { ...place, what: 'egress.head is missing' };
  // After a power failure the head may be behind: it goes on from what it names.
  const next = entries[head.seq];
  if (next !== undefined) return next.prev === head.sha256 ? undefined : altered(place);
  if (head.seq !== entries.length) {
    return { ...place, what: `the journal ends at ${entries.length}, and ${head.seq} lines were written` };
  }
  return head.sha256 === (entries.length === 0 ? NOTHING_BEFORE : prev) ? undefined : altered(place);
}

const altered = (place: Omit<Fault, 'what'>): Fault => ({ ...place, what: 'the last line was altered' });

async function filesOf(home: string): Promise<string[]> {
  const names = await readdir(home);
  // Numbers are padded: their order as texts is their order.
  const full = names.filter((name) => /^egress\.\d{9,}-\d{9,}\.jsonl$/.test(name)).sort();
  return names.includes(JOURNAL) ? [...full, JOURNAL] : full;
}

function entryOf(text: string): Entry | undefined {
  try {
    const parsed = entrySchema.safeParse(JSON.parse(text));
    // Spelled otherwise it would be another line.
    return parsed.success && JSON.stringify(parsed.data) === text ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
