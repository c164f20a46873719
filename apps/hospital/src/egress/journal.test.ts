/**
 * Claims: (1) the journal goes on over restarts and rotation without a gap; (2) any line that is removed, altered, doubled,
 * added or moved is found, also the last, also whole files; (3) a line that a crash cut off is dropped, and the journal goes on;
 * (4) a journal that lost its end is not written on. Oracle: what this test did to the files.
 */
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressJournal, HEAD, JOURNAL, type NewEntry } from './journal.js';
import { readJournal } from './read-journal.js';

const LINES = 12;
/** Of about 320 bytes each, so several files. */
const ROTATE_AT_BYTES = 1_000;

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-journal-'));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

const entry = (k: number): NewEntry => ({
  ...{ type: 'evaluation', messages: 1, sizeBytes: k, sha256: 'ab'.repeat(32), purpose: 'test' },
  ...{ runId: 'run', round: k + 1 },
});

/** A process that ends after each few lines. */
function write(count: number, rotateAtBytes = Infinity): void {
  for (let k = 0; k < count;) {
    const journal = new EgressJournal(home, undefined, rotateAtBytes);
    for (let n = 0; n < 5 && k < count; n++, k++) journal.append(entry(k));
    journal.close();
  }
}

const files = async (): Promise<string[]> => (await readdir(home)).filter((name) => name.endsWith('.jsonl')).sort();
const lines = async (): Promise<string[]> => (await readFile(join(home, JOURNAL), 'utf8')).trimEnd().split('\n');
const put = (all: readonly string[]): Promise<void> =>
  writeFile(join(home, JOURNAL), all.map((l) => `${l}\n`).join(''));

describe('a journal as it was written', () => {
  it('is whole, over restarts', async () => {
    write(LINES);
    const { entries, fault } = await readJournal(home);
    expect(fault).toBeUndefined();
    expect(entries.map(({ seq, sizeBytes }) => [seq, sizeBytes])).toEqual(
      Array.from({ length: LINES }, (_, k) => [k + 1, k]),
    );
  });

  it('is whole over rotated files, and when the newest is empty', async () => {
    write(LINES, ROTATE_AT_BYTES);
    expect((await files()).length).toBeGreaterThan(2);
    expect(await readJournal(home)).toMatchObject({ fault: undefined, entries: { length: LINES } });
  });

  it('is whole before the first line', async () => {
    new EgressJournal(home).close();
    new EgressJournal(home).close();
    expect(await readJournal(home)).toEqual({ entries: [], fault: undefined });
  });

  it('drops a line that a crash cut off', async () => {
    write(3);
    await appendFile(join(home, JOURNAL), '{"seq":4,"time');
    write(1);
    expect(await readJournal(home)).toMatchObject({ fault: undefined, entries: { length: 4 } });
  });

  it('goes on when the head is behind, as after a power failure', async () => {
    write(3);
    const head = await readFile(join(home, HEAD));
    write(2);
    await writeFile(join(home, HEAD), head);
    expect((await readJournal(home)).fault).toBeUndefined();
    write(1);
    expect(await readJournal(home)).toMatchObject({ fault: undefined, entries: { length: 6 } });
  });
});

describe('finds', () => {
  it.each(Array.from({ length: LINES }, (_, k) => k))('line %i removed', async (k) => {
    write(LINES);
    await put((await lines()).toSpliced(k, 1));
    expect((await readJournal(home)).fault).toMatchObject({ line: Math.min(k + 1, LINES - 1) });
  });

  it.each(Array.from({ length: LINES }, (_, k) => k))('line %i altered', async (k) => {
    write(LINES);
    const all = await lines();
    await put(all.with(k, (all[k] ?? '').replace('"test"', '"nice"')));
    // It does not change itself, but what the next line, or the head, says of it.
    expect((await readJournal(home)).fault).toMatchObject({ line: Math.min(k + 2, LINES) });
  });

  it('two lines that changed places, also with their numbers', async () => {
    write(LINES);
    const all = await lines();
    await put(all.with(4, all[5] ?? '').with(5, all[4] ?? ''));
    expect((await readJournal(home)).fault).toMatchObject({ line: 5 });
    const renumbered = (line = '', seq: number): string => line.replace(/"seq":\d+/, `"seq":${seq}`);
    await put(all.with(4, renumbered(all[5], 5)).with(5, renumbered(all[4], 6)));
    expect((await readJournal(home)).fault).toMatchObject({ line: 5 });
  });

  it('a line that is there twice, one that is added, one that is spelled otherwise', async () => {
    write(LINES);
    const all = await lines();
    for (const tampered of [
      all.toSpliced(3, 0, all[3] ?? ''),
      [...all, (all.at(-1) ?? '').replace(`"seq":${LINES}`, `"seq":${LINES + 1}`)],
      all.with(3, (all[3] ?? '').replace('"seq":4,', '"seq": 4,')),
      all.with(3, 'nonsense'),
    ]) {
      await put(tampered);
      expect((await readJournal(home)).fault).toBeDefined();
    }
  });

  it('a whole file removed, the first and the newest', async () => {
    write(LINES, ROTATE_AT_BYTES);
    for (const name of await files()) {
      const content = await readFile(join(home, name));
      await rm(join(home, name));
      expect((await readJournal(home)).fault, name).toBeDefined();
      await writeFile(join(home, name), content);
    }
    expect((await readJournal(home)).fault).toBeUndefined();
  });

  it('a journal without its head, and does not write on it', async () => {
    write(LINES);
    await rm(join(home, HEAD));
    expect((await readJournal(home)).fault?.what).toContain('missing');
    expect(() => new EgressJournal(home)).toThrow('egress verify');
  });

  it('an end that was cut off, and does not write on it', async () => {
    write(LINES);
    await put((await lines()).slice(0, -1));
    expect(() => new EgressJournal(home)).toThrow('egress verify');
    await truncate(join(home, JOURNAL), 0);
    // An empty file after a full head is what rotation leaves; that no line is anywhere, verify sees.
    expect((await readJournal(home)).fault).toBeDefined();
  });
});
