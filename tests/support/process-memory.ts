/** The memory of another process, as somebody with a dump of it would search it. Linux only. */
import { existsSync, readFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { spellings, type Needle } from './leak-search.js';

const STEP = 8 * 1_024 * 1_024;
const YAMA = '/proc/sys/kernel/yama/ptrace_scope';

/** Why the memory of a process that we started cannot be read here; null if it can. */
export function noMemoryAccess(): string | null {
  if (process.platform !== 'linux') return 'only Linux shows the memory of a process as a file';
  if (existsSync(YAMA) && Number(readFileSync(YAMA, 'utf8')) > 1)
    return 'this system shows no process the memory of another';
  return null;
}

/** Everything that is readable and not a file's: heaps, stacks, and what engines map for themselves. */
async function regionsOf(pid: number): Promise<{ start: number; end: number }[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'latin1');
  return maps.split('\n').flatMap((line) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \d+\s*(.*)$/.exec(line) ?? [];
    if (from === undefined || to === undefined || path === undefined || /^(\/|\[v)/.test(path)) return [];
    return [{ start: parseInt(from, 16), end: parseInt(to, 16) }];
  });
}

/** Finds many short byte strings in one pass. */
export class ByteSearch {
  /** Needles by their first two bytes. */
  readonly #needles: (Needle[] | undefined)[] = new Array<Needle[] | undefined>(65_536);
  readonly longest: number;

  /** Each needle is looked for as it is, in hex and in base64. */
  constructor(needles: Iterable<Needle>) {
    let longest = 0;
    for (const { name, bytes } of needles) {
      for (const spelling of spellings(bytes)) {
        (this.#needles[spelling.readUInt16LE(0)] ??= []).push({ name, bytes: spelling });
        longest = Math.max(longest, spelling.length);
      }
    }
    this.longest = longest;
  }

  /** Adds the names of what is there. */
  in(bytes: Uint8Array, found: Set<string>): void {
    for (let at = 0; at + 1 < bytes.length; at++) {
      const candidates = this.#needles[(bytes[at] as number) | ((bytes[at + 1] as number) << 8)];
      if (candidates === undefined) continue;
      for (const needle of candidates) {
        if (needle.bytes.every((byte, k) => byte === bytes[at + k])) found.add(needle.name);
      }
    }
  }
}

export interface MemoryFinding {
  readonly names: ReadonlySet<string>;
  readonly sizeBytes: number;
}

/** Searches all memory of a process, which goes on meanwhile. */
export async function searchMemory(pid: number, search: ByteSearch): Promise<MemoryFinding> {
  const names = new Set<string>();
  const step = Buffer.alloc(STEP + search.longest);
  let sizeBytes = 0;
  const memory = await open(`/proc/${pid}/mem`, 'r');
  try {
    for (const { start, end } of await regionsOf(pid)) {
      for (let at = start; at < end; at += STEP) {
        // Steps overlap by the longest needle. What was unmapped since, or is a guard page, cannot be read.
        const length = Math.min(step.length, end - at);
        const { bytesRead } = await memory.read(step, 0, length, at).catch(() => ({ bytesRead: 0 }));
        search.in(step.subarray(0, bytesRead), names);
        sizeBytes += Math.min(bytesRead, STEP);
      }
    }
  } finally {
    await memory.close();
  }
  return { names, sizeBytes };
}
