/** What the page shows, gathered anew for each look: from the running node, and from the files of its home. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { HospitalConfig } from '../config.js';
import type { NodeStatus } from '../control/node-status.js';
import { isPaused, isStopped } from '../control/standing.js';
import { Tail } from '../control/tail.js';
import { isMissing } from '../durable-file.js';
import { entrySchema, type Entry } from '../egress/entry.js';
import { JOURNAL } from '../egress/journal.js';
import type { Approvals } from '../policy/approvals.js';
import { readPolicy } from '../policy/read-policy.js';
import type { Policy } from '../policy/schema.js';
import { approvalText } from '@consilium/operator-api';
import { runTerms } from '../policy/terms.js';
import { Gpus, type Gpu } from './gpus.js';
import type { Story } from './story.js';

/** Shown at most. */
const LEFT_MAX = 30;
const RESULTS_MAX = 5;

export interface Waiting {
  readonly run: string;
  readonly study: string;
  readonly mode: string;
  readonly digest: string;
  /** Plain text. */
  readonly whole: string;
}

const metrics = z.object({ balancedAccuracy: z.number().nullable() });
const resultSchema = z.object({ run: z.string(), rounds: z.number(), localOnly: metrics, federated: metrics });
export type Result = z.infer<typeof resultSchema>;

export interface Left {
  /** Of the first entry that is counted. */
  since: string | undefined;
  messages: number;
  sizeBytes: number;
  /** Latest first. */
  readonly entries: Entry[];
}

export interface Facts {
  readonly hospital: string;
  readonly home: string;
  readonly config: Pick<HospitalConfig, 'coordinator' | 'threads'>;
  readonly node: NodeStatus;
  readonly stopped: boolean;
  readonly paused: boolean;
  readonly story: Story;
  readonly waiting: readonly Waiting[];
  readonly left: Left;
  readonly results: readonly Result[];
  readonly machine: {
    readonly coresUsed: number;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly memoryTotalBytes: number;
    readonly gpus: readonly Gpu[];
  };
  readonly policy: Policy | 'none' | 'unreadable';
}

export interface FactSources extends Pick<Facts, 'hospital' | 'home' | 'config' | 'story'> {
  readonly node: () => NodeStatus;
  readonly approvals: Pick<Approvals, 'pending' | 'decided'>;
}

export class FactFinder {
  readonly #journal: Tail;
  readonly #left: Left = { since: undefined, messages: 0, sizeBytes: 0, entries: [] };
  readonly #results = new Map<string, { readonly modifiedMs: number; readonly result: Result | undefined }>();
  readonly #gpus = new Gpus();
  #processor = { atMs: performance.now(), usage: process.cpuUsage(), cores: 0 };

  constructor(private readonly sources: FactSources) {
    this.#journal = new Tail(join(sources.home, JOURNAL), { whole: true });
  }

  async look(): Promise<Facts> {
    const { hospital, home, config, story, node } = this.sources;
    const [stopped, paused, waiting, left, results, policy, gpus] = await Promise.all([
      isStopped(home),
      isPaused(home),
      this.#waiting(),
      this.#whatLeft(),
      this.#finished(),
      readPolicy(home).then(
        (read) => read ?? ('none' as const),
        () => 'unreadable' as const,
      ),
      this.#gpus.look(),
    ]);
    const machine = {
      coresUsed: this.#coresUsed(),
      cores: availableParallelism(),
      memoryBytes: process.memoryUsage().rss,
      memoryTotalBytes: totalmem(),
      gpus,
    };
    return { hospital, home, config, story, node: node(), stopped, paused, waiting, left, results, machine, policy };
  }

  async #waiting(): Promise<readonly Waiting[]> {
    const pending = await this.sources.approvals.pending();
    if (pending.length === 0) return [];
    const decided = await this.sources.approvals.decided();
    return pending.map((config) => {
      const last = decided.findLast(
        (one) => one.config.digest !== config.digest && one.decisions.some(({ decision }) => decision === 'approved'),
      );
      const { runId, study, mode } = config.body;
      const whole = approvalText(config, runTerms(config.body), last?.config);
      return { run: runId, study: study.name, mode, digest: config.digest, whole };
    });
  }

  async #whatLeft(): Promise<Left> {
    for (const line of await this.#journal.next()) {
      const entry = entryOf(line);
      if (entry === undefined) continue;
      this.#left.since ??= entry.time;
      this.#left.messages += entry.messages;
      this.#left.sizeBytes += entry.sizeBytes;
      this.#left.entries.unshift(entry);
    }
    this.#left.entries.splice(LEFT_MAX);
    return this.#left;
  }

  /** Latest first; a file is read once, and again when it was written again. */
  async #finished(): Promise<readonly Result[]> {
    const folder = join(this.sources.home, 'results');
    const names = await readdir(folder).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const name of names.filter((one) => one.endsWith('.json') && !one.endsWith('.config.json'))) {
      const { mtimeMs: modifiedMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: 0 }));
      if (this.#results.get(name)?.modifiedMs === modifiedMs) continue;
      this.#results.set(name, {
        modifiedMs,
        result: resultOf(await readFile(join(folder, name), 'utf8').catch(() => '')),
      });
    }
    return [...this.#results.values()]
      .sort((a, b) => b.modifiedMs - a.modifiedMs)
      .flatMap(({ result }) => result ?? [])
      .slice(0, RESULTS_MAX);
  }

  /** Cores that this process kept busy since the last look; within a second the same answer. */
  #coresUsed(): number {
    const atMs = performance.now();
    const elapsedMs = atMs - this.#processor.atMs;
    if (elapsedMs > 900) {
      const { user, system } = process.cpuUsage(this.#processor.usage);
      this.#processor = { atMs, usage: process.cpuUsage(), cores: (user + system) / 1_000 / elapsedMs };
    }
    return this.#processor.cores;
  }
}

function entryOf(line: string): Entry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function resultOf(text: string): Result | undefined {
  try {
    return resultSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
