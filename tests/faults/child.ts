/** A process of a fault test: what it said, when, and how it was ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Progress } from '@consilium/coordinator';
import { PROGRAMS } from '../support/programs.js';
import type { Stage } from './stage.js';

const dist = join(import.meta.dirname, '..', 'dist', 'faults');
export const DYING_COORDINATOR = join(dist, 'coordinator-that-dies.js');
export const DYING_HOSPITAL = join(dist, 'hospital-that-dies.js');

/** What our test programs say beside the product's own progress. */
export type Line =
  | Progress
  | { readonly event: 'writes'; readonly count: number }
  | { readonly event: 'offered'; readonly blob: string }
  | { readonly event: 'calls'; readonly count: number }
  /** It ends or stops its own process in the same breath. */
  | { readonly event: 'leaves'; readonly moment: string }
  | { readonly event: 'outcome'; readonly ended: string; readonly model: string };

export class Child {
  readonly lines: (Line & { readonly atMs: number })[] = [];
  readonly startedMs = performance.now();
  /** The signal that ended it, or its status, with its last complaint. */
  readonly ended: Promise<{ readonly signal: string | null; readonly status: number | null; readonly stderr: string }>;
  readonly #process: ChildProcess;

  constructor(script: string, args: readonly string[], nodeArgs: readonly string[] = []) {
    this.#process = spawn(process.execPath, [...nodeArgs, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4_000)));
    if (this.#process.stdout !== null) {
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        this.lines.push({ ...(JSON.parse(line) as Line), atMs: performance.now() });
      });
    }
    this.ended = new Promise((resolve) => {
      this.#process.on('close', (status, signal) => {
        resolve({ signal, status, stderr });
      });
    });
  }

  /** The product's own program, leading the stage's run. */
  static coordinator(stage: Stage, nodeArgs: readonly string[] = []): Child {
    const place = ['--home', stage.coordinatorHome, '--port', String(stage.port), '--format', 'json'];
    return new Child(PROGRAMS.coordinator, ['run', stage.runFile, ...place], nodeArgs);
  }

  /** @param death - `before:7` or `after:7`: the seventh write is the last thing that it does, or never gets done. */
  static dyingCoordinator(stage: Stage, death: string, databaseUrl = ''): Child {
    return new Child(DYING_COORDINATOR, [stage.coordinatorHome, stage.runFile, String(stage.port), death, databaseUrl]);
  }

  static dyingHospital(
    stage: Stage,
    k: number,
    death: string,
    {
      mode = 'sealed',
      size = 'small',
    }: { readonly mode?: 'sealed' | 'secagg'; readonly size?: 'small' | 'large' } = {},
  ): Child {
    return new Child(DYING_HOSPITAL, [stage.homeOf(stage.hospitals[k] ?? ''), stage.url, String(k), death, mode, size]);
  }

  of<E extends Line['event']>(event: E): (Extract<Line, { event: E }> & { readonly atMs: number })[] {
    return this.lines.filter((line): line is Extract<Line, { event: E }> & { atMs: number } => line.event === event);
  }

  /** @returns Milliseconds from its start until it had noted something that a hospital did; undefined if it never has. */
  get firstNewMs(): number | undefined {
    const news: Line['event'][] = ['connected', 'consented', 'update', 'evaluation', 'ended'];
    const first = this.lines.find(({ event }) => news.includes(event));
    return first && first.atMs - this.startedMs;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
