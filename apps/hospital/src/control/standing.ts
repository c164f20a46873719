/**
 * What a person wants of the node, kept in the home so that it holds for the next process too: `stopped` and `paused`, two
 * empty files. No process needs to run for them to be written, and none to be asked.
 */
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../durable-file.js';

type Wish = 'stopped' | 'paused';

const exists = (home: string, wish: Wish): Promise<boolean> =>
  access(join(home, wish)).then(
    () => true,
    () => false,
  );

export const isStopped = (home: string): Promise<boolean> => exists(home, 'stopped');
export const isPaused = (home: string): Promise<boolean> => exists(home, 'paused');

/** Durable when it resolves: it holds after a reboot. */
export const wish = (home: string, what: Wish): Promise<void> => writeDurably(join(home, what), '');

export const unwish = (home: string, what: Wish): Promise<void> => rm(join(home, what), { force: true });
