/** The coordinator of the demonstration: a daemon, until everything is done. */
import type { Board } from './board.js';
import { coordinatorHome } from './consortium.js';
import { DemoError } from './errors.js';
import type { DemoOptions } from './options.js';
import { command, launch, type Exit } from './processes.js';
import { coordinatorStep, type CoordinatorStep, type RoundDone } from './steps.js';

type RunEnd = Extract<CoordinatorStep, { event: 'ended' }>;

export interface Office {
  readonly url: string;
  readonly rounds: readonly RoundDone[];
  /** How the run ended. */
  readonly runEnd: Promise<RunEnd>;
  /** Rejects when the daemon ends before it is asked to. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** @throws {@link DemoError} `SETUP_FAILED`, `COORDINATOR_FAILED`. */
export async function openOffice({ out, port }: DemoOptions, board: Board): Promise<Office> {
  const home = ['--home', coordinatorHome(out), '--format', 'json'];
  await command('coordinator', ['init', '--name', 'Consilium demonstration', ...home]);
  const rounds: RoundDone[] = [];
  let listening: (url: string) => void;
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  let over: (end: RunEnd) => void;
  const runEnd = new Promise<RunEnd>((resolve) => {
    over = resolve;
  });
  const { exit, end } = launch('coordinator', ['serve', ...home, '--port', String(port)], (line) => {
    const step = coordinatorStep.parse(line);
    board.coordinator(step);
    if (step.event === 'listening') listening(step.url);
    if (step.event === 'round-done') rounds.push(step);
    if (step.event === 'ended') over(step);
  });
  const failed = exit.then(complain);
  // Seen by whoever waits for anything; nobody may be waiting at that moment.
  failed.catch(() => undefined);
  const close = async (): Promise<void> => {
    end();
    await exit;
  };
  return { url: await Promise.race([url, failed]), rounds, runEnd, failed, close };
}

function complain({ complaint, status }: Exit): never {
  throw new DemoError('COORDINATOR_FAILED', complaint, status ?? 1);
}
