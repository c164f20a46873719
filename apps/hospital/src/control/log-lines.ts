/** The last lines of hospital.log, and those that come. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tail } from './tail.js';

export const LOG = 'hospital.log';
const LOOK_AGAIN_MS = 250;

/** @param last - how many lines of what is there. @param follow - never returns, as long as it is wanted. */
export async function* logLines(home: string, last: number, follow: boolean): AsyncGenerator<string> {
  const tail = new Tail(join(home, LOG));
  yield* (await tail.next()).slice(-last);
  while (follow) {
    await sleep(LOOK_AGAIN_MS);
    yield* await tail.next();
  }
}
