/** The processes of the demonstration: started here, listened to line by line, and none left behind whatever happens. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DemoError } from './errors.js';

export type Program = 'coordinator' | 'hospital' | 'render';

const SCRIPTS: Record<Program, string> = {
  coordinator: fileURLToPath(new URL('../../coordinator/bin/consilium-coordinator.js', import.meta.url)),
  hospital: fileURLToPath(new URL('../../hospital/bin/consilium-hospital.js', import.meta.url)),
  render: fileURLToPath(new URL('./render.js', import.meta.url)),
};

export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line on standard error: `CODE: sentence` for every foreseen failure. */
  readonly complaint: string;
}

const living = new Set<ChildProcess>();
let ending = false;

/** @param onStep - each line of standard output, which is one JSON value. */
export function launch(
  program: Program,
  args: readonly string[],
  onStep: (step: unknown) => void,
): { exit: Promise<Exit>; end: () => void } {
  const child = spawn(process.execPath, [SCRIPTS[program], ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  living.add(child);
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    onStep(JSON.parse(line));
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    // The lines of a stack say where, not what.
    if (!/^\s|^Node\.js v|^$/.test(line)) complaint = line;
  });
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      living.delete(child);
      // A process that we end ourselves has not failed: nobody is to report it.
      if (!ending) resolve({ status, signal, complaint });
    });
  });
  return { exit, end: () => child.kill('SIGTERM') };
}

/** Runs a command to its end. @returns What it printed. @throws {@link DemoError} with the complaint of the command. */
export async function command(program: Program, args: readonly string[]): Promise<unknown[]> {
  const steps: unknown[] = [];
  const { status, complaint } = await launch(program, args, (step) => steps.push(step)).exit;
  if (status !== 0) throw new DemoError('SETUP_FAILED', complaint, status ?? 1);
  return steps;
}

/** Ends every process that is still there: politely, and after two seconds not. */
export async function endAll(): Promise<void> {
  ending = true;
  const left = [...living];
  if (left.length === 0) return;
  const gone = Promise.all(left.map((child) => new Promise((resolve) => child.once('close', resolve))));
  for (const child of left) child.kill('SIGTERM');
  const force = setTimeout(() => {
    for (const child of living) child.kill('SIGKILL');
  }, 2_000);
  await gone;
  clearTimeout(force);
}

/** The last resort when this process ends without coming to {@link endAll}. */
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});
