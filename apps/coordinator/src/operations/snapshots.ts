/** Which heads outlive their round: as files in the home folder, and as blobs in the store. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headTensors } from '@consilium/model-spec';
import type { RunConfig } from '@consilium/protocol';
import type { Lease, RunStore } from '@consilium/store';
import { writeSafetensors } from '@consilium/tensors';
import type { History, PastRound } from '../api/history.js';
import { modelName } from '../run/published-models.js';
import { momentsName } from '../run/server-step.js';

export const SNAPSHOT_POLICIES = ['all', 'last', 'best'] as const;
export type SnapshotPolicy = (typeof SNAPSHOT_POLICIES)[number];

/** A head with the names of its tensors, readable by anything that reads safetensors. */
export function snapshotBytes(
  { runId, study, head }: Pick<RunConfig, 'runId' | 'study' | 'head'>,
  round: number,
  model: Float32Array,
): Uint8Array {
  const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>(
    headTensors(head).map(({ name, shape, offset, length }) => [
      name,
      { shape, values: model.subarray(offset, offset + length) },
    ]),
  );
  const metadata = new Map([
    ['run', runId],
    ['round', String(round)],
    ['labels', JSON.stringify(study.labels)],
  ]);
  return writeSafetensors(tensors, metadata);
}

const fileOf = (round: number): string => `round-${String(round).padStart(5, '0')}.safetensors`;

export interface SnapshotParts {
  /** The home folder. */
  readonly directory: string;
  readonly policy: SnapshotPolicy;
  readonly store: Pick<RunStore, 'blobs'>;
  readonly lease: () => Lease;
  readonly history: (
    runId: string,
  ) => Promise<{ readonly history: Pick<History, 'rounds'>; readonly bestRound: number | undefined }>;
}

export class Snapshots {
  /** Digests that are gone already, by run: after a restart each is removed once more, in vain. */
  readonly #gone = new Map<string, Set<string>>();

  constructor(private readonly parts: SnapshotParts) {}

  /**
   * Writes the head of a round as a file and removes what the policy lets go: of the files `last` keeps the newest, `best` the
   * newest and the best; of the store both keep {@link modelsInUse}.
   */
  async keep(config: RunConfig, round: number, model: Float32Array): Promise<void> {
    const { directory, policy } = this.parts;
    const { runId } = config;
    const folder = join(directory, 'models', runId);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, fileOf(round)), snapshotBytes(config, round, model));
    if (policy === 'all') return;
    const { history, bestRound } = await this.parts.history(runId);
    await this.#forget(runId, history.rounds, modelsInUse(history.rounds, bestRound));
    const kept = [fileOf(round), ...(policy === 'best' && bestRound !== undefined ? [fileOf(bestRound)] : [])];
    for (const name of await readdir(folder)) {
      // Whatever else somebody put there is not ours.
      if (/^round-\d+\.safetensors$/.test(name) && !kept.includes(name)) await rm(join(folder, name));
    }
  }

  /** Nothing is left of a run that has ended but what the policy keeps. */
  ended(runId: string): void {
    this.#gone.delete(runId);
  }

  async #forget(runId: string, rounds: readonly PastRound[], kept: ReadonlySet<string>): Promise<void> {
    const { store, lease } = this.parts;
    const gone = this.#gone.get(runId) ?? new Set<string>();
    this.#gone.set(runId, gone);
    // A head that came back is not gone any more.
    for (const digest of kept) gone.delete(digest);
    for (const { model } of rounds) {
      if (kept.has(model) || gone.has(model)) continue;
      await store.blobs.remove(lease(), runId, modelName(model));
      await store.blobs.remove(lease(), runId, momentsName(model));
      gone.add(model);
    }
  }
}

/**
 * Digests of the heads that somebody may still read: the newest two, the one that hospitals evaluate and the one that their
 * round started from; and the best so far, which the end of the run names. No round before the newest two can become the
 * best, since the machine hears no evaluation of it any more.
 */
export function modelsInUse(rounds: readonly PastRound[], bestRound: number | undefined): ReadonlySet<string> {
  const newest = rounds.slice(-2);
  // By digest: two rounds may have led to one head.
  return new Set([...newest, ...rounds.filter(({ round }) => round === bestRound)].map(({ model }) => model));
}
