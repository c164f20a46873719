/** A coordinator as a process of its own, and hospitals that this process plays: what a measurement needs of both. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openHome } from '@consilium/coordinator';
import { openIdentity, pinnedCoordinator } from '@consilium/hospital';
import type { RawCredentials } from '../support/raw-hospital.js';
import { childLines } from './child-lines.js';
import { approveAll } from '../support/members.js';

export const COORDINATOR = fileURLToPath(import.meta.resolve('@consilium/coordinator')).replace(
  /dist\/index\.js$/,
  'bin/consilium-coordinator.js',
);
const SAMPLE_MS = 100;

export interface BenchedCoordinator {
  readonly url: string;
  /** Resolves with the first such event. */
  saw(event: string): Promise<void>;
  /** Resident memory now, MiB, by the system's own table. */
  rssMiB(): number;
  /** The largest of samples every 100 ms. */
  peakMiB(): number;
  stop(): Promise<void>;
}

export class Bench {
  private constructor(
    readonly directory: string,
    readonly hospitals: readonly string[],
  ) {}

  /** So many hospitals have joined. */
  static async prepare(count: number): Promise<Bench> {
    const directory = await mkdtemp(join(tmpdir(), 'consilium-bench-'));
    const home = await openHome(join(directory, 'coordinator'));
    const bench = new Bench(
      directory,
      Array.from({ length: count }, (_, k) => `hospital-${k}`),
    );
    await approveAll(home, bench.hospitals, (hospital) => bench.homeOf(hospital));
    return bench;
  }

  /** Several at a time: most of the work is waiting for the disk. @returns What came out, in the order of the hospitals. */
  async each<T>(work: (hospital: string) => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < this.hospitals.length) {
        const k = next++;
        results[k] = await work(this.hospitals[k] as string);
      }
    };
    await Promise.all(Array.from({ length: 32 }, lane));
    return results;
  }

  homeOf(hospital: string): string {
    return join(this.directory, hospital);
  }

  async credentials(hospital: string): Promise<RawCredentials> {
    const home = this.homeOf(hospital);
    return { ...(await openIdentity(home)), coordinatorKey: await pinnedCoordinator(home) };
  }

  /** @param run - the run file; without it the coordinator serves and leads nothing. */
  async coordinator(run?: object): Promise<BenchedCoordinator> {
    const file = join(this.directory, 'run.yaml');
    if (run !== undefined) await writeFile(file, JSON.stringify(run));
    const command = run === undefined ? ['serve'] : ['run', file];
    const place = ['--home', join(this.directory, 'coordinator'), '--port', '0', '--format', 'json'];
    const seen = new Map<string, () => void>();
    const happened = new Map<string, Promise<void>>();
    const saw = (event: string): Promise<void> => {
      const known = happened.get(event) ?? new Promise<void>((resolve) => seen.set(event, resolve));
      happened.set(event, known);
      return known;
    };
    let url = '';
    const { child, exit } = childLines(COORDINATOR, [...command, ...place], (line) => {
      const step = JSON.parse(line) as { event: string; url?: string };
      url ||= step.url ?? '';
      void saw(step.event);
      seen.get(step.event)?.();
    });
    await Promise.race([saw('listening'), exit]);
    let peakMiB = 0;
    const sampling = setInterval(() => (peakMiB = Math.max(peakMiB, rssMiB(child))), SAMPLE_MS);
    return {
      ...{ url, saw, rssMiB: () => rssMiB(child), peakMiB: () => peakMiB },
      stop: async () => {
        clearInterval(sampling);
        child.kill('SIGKILL');
        await exit.catch(() => undefined);
      },
    };
  }

  async clear(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

function rssMiB({ pid }: ChildProcess): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1_024;
}

/** A run file for a linear head of so many parameters, in which nothing ends by itself. */
export function benchRun(parameters: number, minHospitals: number, rounds: number) {
  const classes = parameters > 1_000_000 ? 1_000 : 100;
  return {
    run: 'bench',
    study: { name: 'bench', labels: Array.from({ length: classes }, (_, k) => `class ${k}`) },
    ...{ mode: 'sealed', head: { kind: 'linear' }, embeddingLength: parameters / classes - 1, preprocessing: 'none' },
    ...{ backbone: 'ab'.repeat(32), rounds, minHospitals },
  };
}
