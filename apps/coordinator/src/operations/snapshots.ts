/** Which heads outlive their round: as files in the home folder, and as blobs in the store. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { headTensors } from '@consilium/model-spec';
import type { RunConfig } from '@consilium/protocol';
import type { Lease, RunStore } from '@consilium/store';
import { writeSafetensors } from '@consilium/tensors';
import type { History, PastRound } from '../api/history.js';
import { isMissing, writeDurably } from '../durable-file.js';
import { modelName } from '../run/published-models.js';
import { momentsName } from '../run/server-step.js';
import { readBlob } from '../run/stored-blob.js';

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
  /** Blobs that are gone already, by run: after a restart each is removed once more, in vain. */
  readonly #gone = new Map<string, Set<string>>();
  /** One after the other: what an earlier round lets go, a later one may be about to need. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosing = false;

  constructor(private readonly parts: SnapshotParts) {}

  /**
   * Writes the head of a round as a file and removes what the policy lets go: of the files `last` keeps the newest, `best` the
   * newest and the best; of the store both keep {@link modelsInUse}. A file is there whole, or not at all.
   */
  keep(config: RunConfig, round: number, model: Float32Array): Promise<void> {
    return this.#inTurn(async () => {
      await this.#write(config, round, model);
      await this.#tidy(config.runId, round);
    });
  }

  /** Writes what the policy wants and a crash has cut off, as far as the store has it; and removes what it lets go. */
  catchUp(config: RunConfig): Promise<void> {
    return this.#inTurn(async () => {
      const { blobs } = this.parts.store;
      const { rounds, wanted } = await this.#wanted(config.runId);
      const there = new Set(await this.#files(config.runId));
      for (const { round, model } of rounds) {
        if (this.#isClosing) return;
        const name = modelName(model);
        if (!wanted.has(round) || there.has(fileOf(round))) continue;
        if ((await blobs.size(config.runId, name)) === undefined) continue;
        const bytes = await readBlob(blobs, config.runId, name);
        await this.#write(config, round, new Float32Array(bytes.buffer));
      }
      await this.#tidy(config.runId);
    });
  }

  /** Nothing is left of a run that has ended but what the policy keeps. */
  ended(runId: string): void {
    this.#gone.delete(runId);
  }

  /** Resolves when what was under way is written. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#turn;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #folderOf(runId: string): string {
    return join(this.parts.directory, 'models', runId);
  }

  async #write(config: RunConfig, round: number, model: Float32Array): Promise<void> {
    await writeDurably(join(this.#folderOf(config.runId), fileOf(round)), snapshotBytes(config, round, model));
  }

  /** @returns The rounds so far, and those whose files the policy wants. */
  async #wanted(runId: string): Promise<{ rounds: readonly PastRound[]; wanted: Set<number>; best?: number }> {
    const { history, bestRound } = await this.parts.history(runId);
    const { rounds } = history;
    const chosen = { all: rounds, last: rounds.slice(-1), best: rounds.slice(-1) }[this.parts.policy];
    const wanted = new Set(chosen.map(({ round }) => round));
    if (bestRound === undefined) return { rounds, wanted };
    if (this.parts.policy === 'best') wanted.add(bestRound);
    return { rounds, wanted, best: bestRound };
  }

  /** @param written - a round whose file stays: that of a newer one may not be written yet. */
  async #tidy(runId: string, written?: number): Promise<void> {
    if (this.parts.policy === 'all') return;
    const { rounds, wanted, best } = await this.#wanted(runId);
    await this.#forget(runId, rounds, modelsInUse(rounds, best));
    const kept = [...wanted, ...(written === undefined ? [] : [written])].map(fileOf);
    for (const name of await this.#files(runId)) {
      // Whatever else somebody put there is not ours.
      if (/^round-\d+\.safetensors(\.part)?$/.test(name) && !kept.includes(name)) {
        await rm(join(this.#folderOf(runId), name));
      }
    }
  }

  async #files(runId: string): Promise<string[]> {
    return readdir(this.#folderOf(runId)).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
  }

  async #forget(runId: string, rounds: readonly PastRound[], kept: ReadonlySet<string>): Promise<void> {
    const { store, lease } = this.parts;
    const gone = this.#gone.get(runId) ?? new Set<string>();
    this.#gone.set(runId, gone);
    // A head that came back is not gone any more.
    for (const digest of kept) gone.delete(modelName(digest));
    // The next sum starts from the newest moments, and a sum that is begun again from those before.
    for (const { round, model } of rounds.slice(0, -2)) {
      for (const name of [...(kept.has(model) ? [] : [modelName(model)]), momentsName(round)]) {
        if (gone.has(name)) continue;
        await store.blobs.remove(lease(), runId, name);
        gone.add(name);
      }
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
