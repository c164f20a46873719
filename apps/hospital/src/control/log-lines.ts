/** The last lines of hospital.log, and those that come. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from '../durable-file.js';

const TAIL_MAX_BYTES = 1_048_576;
const LOOK_AGAIN_MS = 250;

/** @param last - how many lines of what is there. @param follow - never returns, as long as it is wanted. */
export async function* logLines(home: string, last: number, follow: boolean): AsyncGenerator<string> {
  let at: number | undefined;
  let rest = '';
  do {
    const read = await readFrom(join(home, 'hospital.log'), at);
    if (read !== undefined) {
      const lines = (rest + read.text).split('\n');
      rest = lines.pop() ?? '';
      yield* at === undefined ? lines.slice(-last) : lines;
      at = read.end;
    }
    if (follow) await sleep(LOOK_AGAIN_MS);
  } while (follow);
}

/** @param start - undefined: near the end, from the beginning of a line. */
async function readFrom(path: string, start: number | undefined): Promise<{ text: string; end: number } | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const from = start ?? Math.max(0, size - TAIL_MAX_BYTES);
    const bytes = Buffer.alloc(Math.max(0, Math.min(TAIL_MAX_BYTES, size - from)));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    // Whole lines only: a letter of several bytes would otherwise be torn.
    const end = bytes.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    const text = bytes.subarray(0, end).toString('utf8');
    return { text: start === undefined && from > 0 ? text.slice(text.indexOf('\n') + 1) : text, end: from + end };
  } finally {
    await file.close();
  }
}
