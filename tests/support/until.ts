/** Waits for something that another part of the test brings about; the time limit of the test is the only limit. */
import { setTimeout } from 'node:timers/promises';

export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await setTimeout(5);
}
