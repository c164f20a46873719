/** `serve`, the daemon that leads all runs of its store, and `run FILE`, which leads one run and ends with it. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { pino } from 'pino';
import { collusionLine, collusionOf } from '@consilium/operator-api';
import type { RunEnd } from '@consilium/protocol';
import { StoreError } from '@consilium/store';
import { CoordinatorError, EXIT_STATUS } from '../errors.js';
import { enrolledHospitals, reopenHome, type Home } from '../home.js';
import { lockHome } from '../home-lock.js';
import { SNAPSHOT_POLICIES, type SnapshotPolicy } from '../operations/snapshots.js';
import { readRunFile, runConfig } from '../run-file.js';
import { progressLine } from '../run/progress.js';
import type { RunningCoordinator } from '../server.js';
import { addressFile } from './daemon.js';
import { formatOption, homeOption, portNumber, say, type Format } from './output.js';

interface ServeOptions extends Format {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly database?: string;
  readonly keepSnapshots: SnapshotPolicy;
  readonly keepVectors: number;
  readonly publicUrl?: string;
  readonly oidc?: string;
}

/** The options of a process that leads. */
export function leadingOptions(command: Command): Command {
  return command
    .addOption(homeOption())
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 for a free one', portNumber, 7_433)
    .addOption(
      // By the environment a password stays out of the list of processes.
      new Option('--database <url>', 'PostgreSQL that keeps the runs (default: a folder of the home)').env(
        'CONSILIUM_DATABASE',
      ),
    )
    .addOption(
      new Option('--keep-snapshots <policy>', 'heads that outlive their round; the best and the newest two always do')
        .choices([...SNAPSHOT_POLICIES])
        .default('all'),
    )
    .option('--keep-vectors <days>', 'masked updates outlive their sum for so long: audits recompute it', days, 30)
    .option('--public-url <url>', 'where people reach the console, if a proxy stands before it', publicUrl)
    .option('--oidc <file>', 'YAML file of an OpenID provider that people sign in at')
    .addOption(formatOption());
}

function days(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('expected a number of days, 0 to 9999');
  return Number(text);
}

function publicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSite = url?.pathname === '/' && url.search === '' && url.hash === '' && /^https?:$/.test(url.protocol);
  if (!isSite) throw new InvalidArgumentError('expected https://HOST, without a path');
  return text;
}

interface Interruption {
  readonly signal: AbortSignal;
  /** What the first signal does from now on. */
  on(act: () => void): void;
}

/** The first signal asks the process to end, the second one ends it. */
function interruption(): Interruption {
  const asked = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (asked.signal.aborted) process.exit(EXIT_STATUS.INTERRUPTED);
      asked.abort();
    });
  }
  return {
    signal: asked.signal,
    on: (act) => {
      if (asked.signal.aborted) act();
      else asked.signal.addEventListener('abort', act);
    },
  };
}

/** @throws {@link CoordinatorError} `DEPOSED`. Resolves when a signal has parked the runs. */
export async function serve(options: ServeOptions): Promise<void> {
  const interrupted = interruption();
  const asked = new Promise<'asked'>((resolve) => {
    interrupted.on(() => {
      resolve('asked');
    });
  });
  const home = await reopenHome(options.home);
  await withCoordinator(home, options, interrupted.signal, async (coordinator) => {
    const url = await coordinator.setUpUrl();
    // To this terminal alone: the log never has it.
    if (url !== undefined) say(options, { event: 'setup-link', url }, `open once, to make the first account:\n${url}`);
    const why = await Promise.race([asked, coordinator.deposed]);
    if (why !== 'asked') throw depositionOf(why);
  });
}

/** Leads one run to its end. @throws {@link CoordinatorError} `RUN_ABORTED`, `INTERRUPTED`, `DEPOSED`. */
export async function leadRun(runFile: string, options: ServeOptions): Promise<void> {
  const interrupted = interruption();
  const file = await readRunFile(runFile);
  const home = await reopenHome(options.home);
  const led = await withCoordinator(home, options, interrupted.signal, async (coordinator) => {
    const config = runConfig(file, await enrolledHospitals(home));
    const conductor = await coordinator.begin(config);
    const collusion = collusionOf(config);
    // Programs have it in the configuration.
    if (collusion !== null && options.format === 'text') say(options, collusion, collusionLine(collusion));
    interrupted.on(() => {
      // What keeps it from being stopped keeps the run from going on: that is told below.
      conductor.accept({ type: 'stop' }).catch(() => undefined);
    });
    const ended = await Promise.race([conductor.ended, coordinator.deposed]);
    if (ended instanceof StoreError) throw depositionOf(ended);
    const wasAsked = interrupted.signal.aborted;
    await coordinator.emptied();
    return { ...ended, wasAsked };
  });
  const error = endOf(led);
  if (error !== undefined) throw error;
}

/** @param ended - absent: it was interrupted before it led. `wasAsked`: by a signal, before that end. @returns What the command fails with. */
export function endOf(
  ended: (Pick<RunEnd, 'outcome' | 'reason'> & { readonly wasAsked: boolean }) | undefined,
): CoordinatorError | undefined {
  if (ended === undefined) return new CoordinatorError('INTERRUPTED', 'interrupted before the run began');
  // A signal that comes when the run has finished changes nothing about it.
  if (ended.outcome === 'finished') return undefined;
  return ended.reason === 'STOPPED' && ended.wasAsked
    ? new CoordinatorError('INTERRUPTED', 'interrupted; the hospitals were told that the run has ended')
    : new CoordinatorError('RUN_ABORTED', `the run was aborted: ${ended.reason}`);
}

/** Why this process leads no more. */
export const depositionOf = (why: StoreError): CoordinatorError | StoreError =>
  why.code === 'LEASE_LOST' ? new CoordinatorError('DEPOSED', 'another coordinator has taken over this store') : why;

/** @returns undefined when it was interrupted before it led. */
async function withCoordinator<T>(
  home: Home,
  options: ServeOptions,
  signal: AbortSignal,
  work: (coordinator: RunningCoordinator) => Promise<T>,
): Promise<T | undefined> {
  const unlock = await lockHome(options.home);
  const log = pino(
    { base: { role: 'coordinator' } },
    pino.destination({ dest: join(options.home, 'coordinator.log') }),
  );
  // Loaded here, because NestJS takes longer to load than most commands take to run.
  const { openCoordinator } = await import('../server.js');
  const { readOidcFile } = await import('../operators/elsewhere.js');
  try {
    const coordinator = await openCoordinator({
      ...{ home, host: options.host, port: options.port, log, signal, snapshots: options.keepSnapshots },
      keepVectorsDays: options.keepVectors,
      ...(options.database === undefined ? {} : { databaseUrl: options.database }),
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
      ...(options.oidc === undefined ? {} : { oidc: await readOidcFile(options.oidc) }),
      progress: (step) => {
        say(options, step, progressLine(step));
      },
    });
    const address = addressFile(options.home);
    await writeFile(address, `${JSON.stringify({ url: coordinator.url, publicUrl: options.publicUrl })}\n`);
    try {
      return await work(coordinator);
    } finally {
      // Another program may listen there next; it must not be shown the token.
      await rm(address, { force: true });
      await coordinator.close();
    }
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  } finally {
    await unlock();
  }
}
