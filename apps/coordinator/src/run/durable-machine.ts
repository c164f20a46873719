/**
 * One run's machine on a durable log: decide, append in one transaction, act. What was not appended did not happen: nobody
 * is told of it and no effect of it is performed, so a crash at any instant leaves a log from which the run goes on.
 */
import type { Logger } from 'pino';
import {
  startCoordinator,
  stepCoordinator,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  type RunRules,
} from '@consilium/rounds';
import type { Entry, Lease, RunStore, StoreError } from '@consilium/store';
import { currentRequest } from '../operations/request-scope.js';
import type { Clock } from './clock.js';
import { codeOf, isDeposing, mayPass } from './store-troubles.js';

/** What becomes durable in the same transaction as an event. */
export type Attachment = Omit<Entry, 'event'>;

export interface MachinePorts {
  readonly store: Pick<RunStore, 'append' | 'events'>;
  readonly lease: () => Lease;
  readonly clock: Clock;
  readonly log: Logger;
  /** The statements that these effects are going to publish, and the secrets that they make useless. */
  readonly attach: (effects: readonly CoordinatorEffect[]) => Attachment;
  /** Called when the event is durable. Starts the work and does not wait for it: what it brings is another event. */
  readonly perform: (effect: CoordinatorEffect) => void;
  /** Another coordinator leads, or this one is closing: this process must not do anything more for any run. */
  readonly deposed: (error: StoreError) => void;
  /** Nothing more is done for this run: its log cannot be written any more, or there is a defect. */
  readonly broken: (error: unknown) => void;
}

interface Waiting {
  readonly event: CoordinatorEvent;
  readonly attachment: Attachment;
  /** Of the hospital's request that brought it. */
  readonly requestId: string | undefined;
  readonly decided: (changed: boolean) => void;
  readonly refused: (error: unknown) => void;
}

/** How long a store that does not answer is left alone before the same append is tried again. */
const RETRY_MS = [50, 100, 200, 500, 1_000, 2_000];

export class DurableMachine {
  #waiting: Waiting[] = [];
  #busy = false;
  /** Set once, for good. */
  #stopped: { readonly why: unknown } | undefined;

  private constructor(
    private readonly runId: string,
    private readonly rules: RunRules,
    private readonly ports: MachinePorts,
    private current: CoordinatorState,
    private seq: number,
  ) {}

  /**
   * Rebuilds the state from the log. Nothing is performed: the caller sends `restarted`, which asks again for whatever was
   * under way.
   *
   * @param onReplayed - each effect of the past, in order: for what is known from them, never for doing them again.
   */
  static async replay(
    runId: string,
    rules: RunRules,
    ports: MachinePorts,
    onReplayed: (effect: CoordinatorEffect) => void,
  ): Promise<DurableMachine> {
    let { state } = startCoordinator(rules);
    let seq = 0;
    for await (const { event } of ports.store.events(runId)) {
      const step = stepCoordinator(rules, state, JSON.parse(event) as CoordinatorEvent);
      state = step.state;
      seq += 1;
      for (const effect of step.effects) onReplayed(effect);
    }
    return new DurableMachine(runId, rules, ports, state, seq);
  }

  get state(): CoordinatorState {
    return this.current;
  }

  /** Events in the log. */
  get length(): number {
    return this.seq;
  }

  /**
   * @returns Whether the event changed anything, as soon as that is durable and its effects have begun.
   * @throws Why the machine has stopped: {@link StoreError} when this coordinator does not lead any more. While the store
   *   does not answer, it waits.
   */
  accept(event: CoordinatorEvent, attachment: Attachment = {}): Promise<boolean> {
    return new Promise((decided, refused) => {
      this.#waiting.push({ event, attachment, requestId: currentRequest(), decided, refused });
      if (!this.#busy) void this.#drain();
    });
  }

  /** Nothing is accepted from here on, and nothing more is written. Again is without effect. */
  stop(why: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { why };
    for (const { refused } of this.#waiting.splice(0)) refused(why);
    if (isDeposing(why)) this.ports.deposed(why);
    else this.ports.broken(why);
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) await this.#decide(this.#waiting.splice(0));
    } finally {
      this.#busy = false;
    }
  }

  /** All that has arrived meanwhile shares one transaction, and one flush of the disk. */
  async #decide(batch: readonly Waiting[]): Promise<void> {
    try {
      const changed = await this.#decided(batch);
      for (const [i, { decided }] of batch.entries()) decided(changed[i] ?? false);
    } catch (error) {
      // Also for a defect of ours: it ends this run here, and no other one.
      for (const { refused } of batch) refused(error);
      this.stop(error);
    }
  }

  /** @returns Which of them changed anything; that is durable, and its effects have begun. */
  async #decided(batch: readonly Waiting[]): Promise<boolean[]> {
    this.#throwIfStopped();
    const entries: Entry[] = [];
    const effects: CoordinatorEffect[] = [];
    const changed: boolean[] = [];
    let state = this.current;
    for (const { event, attachment } of batch) {
      const step = stepCoordinator(this.rules, state, event);
      const counts = step.state !== state || step.effects.length > 0;
      if (counts) entries.push(entryOf(event, attachment, this.ports.attach(step.effects)));
      changed.push(step.state !== state);
      state = step.state;
      effects.push(...step.effects);
    }
    if (entries.length > 0) await this.#append(entries, batch);
    // The events are durable here; a crash after this line replays them and asks for the effects again.
    this.current = state;
    for (const effect of effects) this.ports.perform(effect);
    return changed;
  }

  async #append(entries: readonly Entry[], batch: readonly Waiting[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      this.#throwIfStopped();
      try {
        // Whether an append whose answer was lost has happened, the store finds out when it sees the same entries again.
        await this.ports.store.append(this.ports.lease(), this.runId, this.seq, entries);
        // Parked while it was written: whoever leads next finds the event in the log, and acts on it.
        this.#throwIfStopped();
        this.seq += entries.length;
        return;
      } catch (error) {
        this.#throwIfStopped();
        if (!mayPass(error)) throw error;
        const requestIds = batch.flatMap(({ requestId = [] }) => requestId);
        this.ports.log.error(
          { run: this.runId, code: codeOf(error), requestIds },
          'the store does not take events; trying again',
        );
        await this.ports.clock.sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0);
      }
    }
  }

  #throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped.why;
  }
}

const entryOf = (event: CoordinatorEvent, ...attachments: readonly Attachment[]): Entry => ({
  event: JSON.stringify(event),
  documents: attachments.flatMap(({ documents = [] }) => documents),
  secrets: attachments.flatMap(({ secrets = [] }) => secrets),
  ended: attachments.some(({ ended }) => ended === true),
});
