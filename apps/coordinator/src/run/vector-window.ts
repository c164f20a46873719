/**
 * Masked vectors stay in the store for as long as hospitals and auditors may recompute sums from them, and go then: what is
 * kept for ever can be harvested for the day on which key agreement on a curve is broken (privacy.md, part A).
 */
import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { CoordinatorEvent } from '@consilium/rounds';
import type { Lease, RunRow, RunStore } from '@consilium/store';

export interface VectorWindowPorts {
  readonly store: Pick<RunStore, 'runs' | 'events'> & { readonly blobs: Pick<RunStore['blobs'], 'remove'> };
  readonly lease: () => Lease;
  readonly log: Logger;
  /** How long they are kept after their sum, or after the end of a run in which none was opened, days. */
  readonly days: number;
}

const DAY_MS = 86_400_000;
const BETWEEN_SWEEPS_MS = DAY_MS / 4;
/** A coordinator that has just started has better things to do. */
const FIRST_SWEEP_MS = 60_000;

export class VectorWindow {
  /** Runs of which nothing is left to remove. */
  readonly #done = new Set<string>();

  constructor(private readonly ports: VectorWindowPorts) {}

  /** Sweeps now and then, until told to stop. What fails is tried again with the next sweep. */
  async watch(signal: AbortSignal): Promise<void> {
    const rest = (ms: number): Promise<unknown> =>
      setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);
    for (await rest(FIRST_SWEEP_MS); !signal.aborted; await rest(BETWEEN_SWEEPS_MS)) {
      await this.sweep(Date.now()).catch((error: unknown) => {
        if (!signal.aborted) this.ports.log.error({ err: error }, 'old masked vectors could not be removed');
      });
    }
  }

  /** @param nowMs - by the wall clock, as the store's dates are. @throws StoreError. */
  async sweep(nowMs: number): Promise<void> {
    for (const run of await this.ports.store.runs()) {
      if (!this.#done.has(run.runId)) await this.#sweepRun(run, nowMs - this.ports.days * DAY_MS);
    }
  }

  async #sweepRun({ runId, ended }: RunRow, beforeMs: number): Promise<void> {
    const { store, lease } = this.ports;
    const old: number[] = [];
    let [round, latestMs] = [0, 0];
    for await (const { at, event } of store.events(runId)) {
      const happened = JSON.parse(event) as CoordinatorEvent;
      latestMs = Date.parse(at);
      if (happened.type === 'plan-signed') ({ round } = happened);
      if (happened.type === 'opened' && latestMs < beforeMs) old.push(round);
    }
    if (ended && latestMs < beforeMs) {
      await store.blobs.remove(lease(), runId, 'update');
      this.#done.add(runId);
    } else for (const past of old) await store.blobs.remove(lease(), runId, `update/${past}`);
  }
}
