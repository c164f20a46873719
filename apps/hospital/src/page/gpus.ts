/** What NVIDIA's own tool says of the GPUs, where there is one; asked every few seconds at most. */
import { execFile } from 'node:child_process';

export interface Gpu {
  readonly name: string;
  readonly busyPercent: string;
  readonly usedMiB: string;
  readonly totalMiB: string;
}

const HOLDS_MS = 5_000;
const QUERY = ['--query-gpu=name,utilization.gpu,memory.used,memory.total', '--format=csv,noheader,nounits'];

export class Gpus {
  #known: readonly Gpu[] = [];
  #nextMs = 0;

  /** Without such a tool: none, and it is not asked for again. */
  async look(): Promise<readonly Gpu[]> {
    const now = performance.now();
    if (now < this.#nextMs) return this.#known;
    this.#nextMs = now + HOLDS_MS;
    this.#known = await new Promise<readonly Gpu[]>((resolve) => {
      execFile('nvidia-smi', QUERY, { timeout: 2_000 }, (error, stdout) => {
        if (error?.code === 'ENOENT') this.#nextMs = Infinity;
        resolve(error === null ? gpusIn(stdout) : []);
      });
    });
    return this.#known;
  }
}

export const gpusIn = (csv: string): readonly Gpu[] =>
  csv.split('\n').flatMap((line) => {
    const [name, busyPercent, usedMiB, totalMiB] = line.split(',').map((cell) => cell.trim());
    return name && busyPercent && usedMiB && totalMiB ? [{ name, busyPercent, usedMiB, totalMiB }] : [];
  });
