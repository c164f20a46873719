/** What a monitor reads. A label never has more values than there are codes, or runs that are open. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SECURE_STAGES, type CoordinatorState } from '@consilium/rounds';
import type { Progress } from '../run/progress.js';
import type { AppendObserver } from './measured-store.js';

export interface Census {
  /** Also runs that have ended lately. */
  readonly runs: readonly { readonly runId: string; readonly state: CoordinatorState }[];
  /** Hospitals with a session. */
  readonly connected: number;
}

const STAGES = ['gathering', 'planning', 'collecting', 'aggregating', ...SECURE_STAGES, 'opening', 'closing'] as const;

export class Metrics implements AppendObserver {
  readonly #registry = new Registry();
  readonly #rounds = this.#counter('rounds_total', 'Rounds averaged; partial: without a part of the cohort', 'outcome');
  readonly #runs = this.#counter('runs_total', 'Runs that ended while this process led', 'outcome');
  readonly #updates = this.#counter('updates_total', 'Updates that count');
  readonly #bytes = this.#counter('update_bytes_total', 'Bytes of the sealed updates that count');
  readonly #dropOuts = this.#counter('dropouts_total', 'Hospitals of a cohort whose update a round was closed without');
  readonly #evaluations = this.#counter('evaluations_total', 'Evaluations of a new head by hospitals');
  readonly #refusals = this.#counter('refusals_total', 'Requests of hospitals that were refused', 'code');
  readonly #apiRefusals = this.#counter('api_refusals_total', 'Requests to the API that were refused', 'code');
  readonly #storeErrors = this.#counter('store_append_errors_total', 'Appends that the store did not take', 'code');
  readonly #appends = new Histogram({
    name: 'consilium_store_append_seconds',
    help: 'Time until an event is durable',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.#registry],
  });

  /** @param census - asked for with every reading. */
  constructor(census: () => Census) {
    // With it comes the lag of the event loop: nodejs_eventloop_lag_seconds and its quantiles.
    collectDefaultMetrics({ register: this.#registry });
    new Gauge({
      name: 'consilium_run_stage',
      help: '1 for the stage that an open run is in',
      labelNames: ['run', 'stage'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { runId, state } of census().runs) {
          if (state.phase === 'ended') continue;
          for (const stage of STAGES) this.set({ run: runId, stage }, state.phase === stage ? 1 : 0);
        }
      },
    });
    new Gauge({
      name: 'consilium_connected_hospitals',
      help: 'Hospitals with a session',
      registers: [this.#registry],
      collect() {
        this.set(census().connected);
      },
    });
  }

  readonly appended = (seconds: number): void => {
    this.#appends.observe(seconds);
  };

  readonly failed = (code: string): void => {
    this.#storeErrors.inc({ code });
  };

  apiRefused(code: string): void {
    this.#apiRefusals.inc({ code });
  }

  note(step: Progress): void {
    switch (step.event) {
      case 'update':
        this.#updates.inc();
        this.#bytes.inc(step.bytes);
        return;
      case 'round-done':
        this.#rounds.inc({ outcome: step.missing.length === 0 ? 'complete' : 'partial' });
        this.#dropOuts.inc(step.missing.length);
        return;
      case 'evaluation':
        this.#evaluations.inc();
        return;
      case 'refused':
        this.#refusals.inc({ code: step.code });
        return;
      case 'ended':
        this.#runs.inc({ outcome: step.outcome });
        return;
      default:
    }
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<L extends string = never>(name: string, help: string, ...labelNames: L[]): Counter<L> {
    return new Counter({ name: `consilium_${name}`, help, labelNames, registers: [this.#registry] });
  }
}
