/** The way of a command to the operators: the API of a daemon, or, while none serves the home folder, its files. */
import type { z } from 'zod';
import { linkView, type LinkView } from '@consilium/operator-api';
import { CoordinatorError } from '../errors.js';
import { reopenHome } from '../home.js';
import { lockHome } from '../home-lock.js';
import { Daemon, type DaemonOptions } from './daemon.js';

export interface OperatorAccess {
  ask<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, schema: z.ZodType<T>, body?: object): Promise<T>;
  setUpLink(): Promise<LinkView>;
  /** Where links lead, without a slash at the end. */
  url(): string;
}

/** @throws {@link CoordinatorError} with the code of the refusal. */
export async function withOperators<T>(options: DaemonOptions, work: (api: OperatorAccess) => Promise<T>): Promise<T> {
  if (options.url !== undefined) return work(await overApi(options));
  let unlock: () => Promise<void>;
  await reopenHome(options.home);
  try {
    unlock = await lockHome(options.home);
  } catch (error) {
    if (!(error instanceof CoordinatorError) || error.code !== 'HOME_IN_USE') throw error;
    return work(await overApi(options));
  }
  try {
    // Loaded here, because what it needs takes longer to load than most commands take to run.
    const { inFiles } = await import('./operator-files.js');
    return await inFiles(options.home, work);
  } finally {
    await unlock();
  }
}

async function overApi(options: DaemonOptions): Promise<OperatorAccess> {
  const daemon = await Daemon.find(options);
  return {
    ask: (method, path, schema, body) => daemon.ask(method, path, schema, body),
    setUpLink: () => daemon.ask('POST', '/operators/setup', linkView),
    url: () => daemon.publicUrl,
  };
}
