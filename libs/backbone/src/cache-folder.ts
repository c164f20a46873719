/**
 * The size of a cache folder, kept within a limit. Every file that is named by 64 hex digits, with or without `.json`, is
 * an entry of the cache and follows one rule; anything else (another name, a folder, a link) is not ours and stays.
 */
import type { Stats } from 'node:fs';
import { opendir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const ENTRY = /^[0-9a-f]{64}(\.json)?$/;
const TEMPORARY = /^[0-9a-f]{64}\..*\.tmp$/;
/** A writer that is alive finishes in milliseconds; one that is an hour old died. */
const STALE_AFTER_MS = 3_600_000;

export interface CacheUsage {
  readonly entries: number;
  /** On the disk: whole blocks, where the file system tells. */
  readonly bytes: number;
  /** Last use of the entry that would go first, in milliseconds since 1970; absent without entries. */
  readonly oldestUseMs?: number;
  /** Files under way, or left by a process that died. */
  readonly temporaries: number;
}

export interface Collected {
  readonly removedEntries: number;
  readonly removedTemporaries: number;
  readonly freedBytes: number;
  readonly left: CacheUsage;
}

interface Entry {
  readonly name: string;
  readonly bytes: number;
  readonly lastUseMs: number;
}

interface Contents {
  readonly entries: Entry[];
  readonly temporaries: Entry[];
}

/** @returns undefined if it is gone: another process may remove it at any time. */
async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns nothing in a folder that is not there yet. */
async function contentsOf(directory: string): Promise<Contents> {
  const contents: Contents = { entries: [], temporaries: [] };
  if ((await statIfThere(directory)) === undefined) return contents;
  for await (const item of await opendir(directory)) {
    const { name } = item;
    if (!item.isFile()) continue;
    const list = ENTRY.test(name) ? contents.entries : TEMPORARY.test(name) ? contents.temporaries : undefined;
    const found = list === undefined ? undefined : await statIfThere(join(directory, name));
    if (found === undefined) continue;
    // Some file systems allot blocks late, and some count none.
    list?.push({ name, bytes: Math.max(found.size, found.blocks * 512), lastUseMs: found.mtimeMs });
  }
  contents.entries.sort((a, b) => a.lastUseMs - b.lastUseMs);
  return contents;
}

const sizeOf = (entries: readonly Entry[]): number => entries.reduce((sum, { bytes }) => sum + bytes, 0);

const usageOf = (entries: readonly Entry[], temporaries: number): CacheUsage => ({
  entries: entries.length,
  bytes: sizeOf(entries),
  ...(entries[0] !== undefined && { oldestUseMs: entries[0].lastUseMs }),
  temporaries,
});

/** @throws the error of the file system. */
export async function cacheUsage(directory: string): Promise<CacheUsage> {
  const { entries, temporaries } = await contentsOf(directory);
  return usageOf(entries, temporaries.length);
}

/** `gone`: another process was first. `wanted`: written or used since the folder was read. */
async function remove(directory: string, { name, lastUseMs }: Entry): Promise<'removed' | 'gone' | 'wanted'> {
  const path = join(directory, name);
  const found = await statIfThere(path);
  if (found === undefined) return 'gone';
  if (found.mtimeMs !== lastUseMs) return 'wanted';
  // A use between these lines goes unseen; then an embedding is computed once more.
  try {
    await unlink(path);
    return 'removed';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
}

/**
 * Removes what was not used for longest until the rest fits, and temporaries that are older than an hour. Any number of
 * processes may put, get and collect at the same time: the worst that happens to them is a miss.
 *
 * @param maxBytes - on the disk, 0 or more.
 * @param now - a clock, in milliseconds since 1970.
 * @throws the error of the file system. RangeError for a limit that is not a number.
 */
export async function collectGarbage(
  directory: string,
  { maxBytes, now = Date.now }: { readonly maxBytes: number; readonly now?: () => number },
): Promise<Collected> {
  if (!(maxBytes >= 0)) throw new RangeError('a limit of the cache is 0 bytes or more');
  const { entries, temporaries } = await contentsOf(directory);
  const staleBeforeMs = now() - STALE_AFTER_MS;
  const removed: Entry[] = [];
  let temporariesLeft = temporaries.length;
  for (const temporary of temporaries.filter(({ lastUseMs }) => lastUseMs < staleBeforeMs)) {
    const outcome = await remove(directory, temporary);
    if (outcome !== 'wanted') temporariesLeft--;
    if (outcome === 'removed') removed.push(temporary);
  }
  const removedTemporaries = removed.length;
  const left: Entry[] = [];
  let bytes = sizeOf(entries);
  for (const entry of entries) {
    const outcome = bytes > maxBytes ? await remove(directory, entry) : 'wanted';
    if (outcome === 'wanted') left.push(entry);
    // What another process removed is free as well: two that collect at once do not free twice as much.
    else bytes -= entry.bytes;
    if (outcome === 'removed') removed.push(entry);
  }
  return {
    removedEntries: removed.length - removedTemporaries,
    removedTemporaries,
    freedBytes: sizeOf(removed),
    left: usageOf(left, temporariesLeft),
  };
}
