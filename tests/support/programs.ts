/** The product's programs as people start them: real processes from dist, with what they print and how they end. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');

export const PROGRAMS = {
  demo: join(root, 'apps', 'demo', 'dist', 'main.js'),
  coordinator: join(root, 'apps', 'coordinator', 'bin', 'consilium-coordinator.js'),
  hospital: join(root, 'apps', 'hospital', 'bin', 'consilium-hospital.js'),
  setup: join(root, 'deploy', 'setup.mjs'),
} as const;

export interface Ending {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  /** Resolves when it has printed this on either stream; rejects when it ends without. */
  printed(pattern: RegExp): Promise<string>;
}

/** @param cwd - where its user stands; it leads a process group of its own, as a command in a terminal does. */
export function startProgram(name: keyof typeof PROGRAMS, args: readonly string[], cwd: string): RunningProgram {
  // npm's INIT_CWD is where the tests were started, not where this user stands.
  const env = { ...process.env, INIT_CWD: undefined };
  const child = spawn(process.execPath, [PROGRAMS[name], ...args], { cwd, env, detached: true });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<Ending>((resolve) => {
    child.on('close', (status) => {
      resolve({ status, stdout, stderr });
    });
  });
  const printed = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(`${stdout}\n${stderr}`)?.[0];
        if (found === undefined) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      void ended.then(({ status }) => {
        reject(new Error(`ended with ${String(status)} before printing ${String(pattern)}:\n${stdout}\n${stderr}`));
      });
      look();
    });
  return { child, ended, printed };
}

export const runProgram = (name: keyof typeof PROGRAMS, args: readonly string[], cwd: string): Promise<Ending> =>
  startProgram(name, args, cwd).ended;

export interface ProcessEntry {
  readonly pid: number;
  readonly args: string;
}

/** Living processes whose command line names this text, by the system's own table. */
export async function processesNaming(text: string): Promise<ProcessEntry[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,stat=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, stat, args] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    // A zombie has ended: only its parent has not noticed yet.
    if (pid === undefined || stat?.startsWith('Z') === true || args?.includes(text) !== true) return [];
    return [{ pid: Number(pid), args }];
  });
}

/** A port of loopback that another program holds until `close`. */
export async function occupyPort(): Promise<{ port: number; close: () => Promise<void> }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}
