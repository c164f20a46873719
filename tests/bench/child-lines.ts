/** A child process that speaks JSON lines, for measurements: a failing child fails the measurement. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export function childLines(
  script: string,
  args: readonly string[],
  onLine: (line: string) => void,
): { child: ChildProcess; exit: Promise<void> } {
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', onLine);
  createInterface({ input: child.stderr }).on('line', (line) => {
    complaint = line;
    onLine(line);
  });
  const exit = new Promise<void>((resolve, reject) => {
    child.on('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`${script} ended with ${String(status)}: ${complaint}`));
    });
  });
  return { child, exit };
}
