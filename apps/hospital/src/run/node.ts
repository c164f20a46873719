/** A hospital on the network: one line to the coordinator, and a part in every run that comes over it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { requests, type ProtocolError, type RunConfig, type RunId } from '@consilium/protocol';
import { CoordinatorChannel, Refused, type CoordinatorStatement, type LineState } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import type { FaultCode } from '../network/fault.js';
import type { WayOut } from '../network/way-out.js';
import type { Network } from '../channel/wire.js';
import type { EgressDoor } from '../egress/door.js';
import { noRules, type HospitalRules } from './hospital-rules.js';
import { HospitalRun } from './hospital-run.js';
import type { Learner, Prepared } from './learner.js';
import type { RunMemory } from './memory.js';
import type { RunOutcome, RunProgress } from './outcome.js';

export type NodeProgress =
  { readonly event: 'line'; readonly state: LineState; readonly why?: FaultCode } | RunProgress;

export interface NodeOptions extends Credentials, WayOut {
  readonly url: string;
  readonly learner: Learner;
  readonly memory: RunMemory;
  readonly modes: readonly RunConfig['mode'][];
  readonly progress: (progress: NodeProgress) => void;
  /** Absent: socket.io. */
  readonly network?: Network;
  /** Absent: the hospital has none of its own. */
  readonly rules?: HospitalRules;
  readonly door?: EgressDoor;
  /** What the coordinator may show its people of this hospital; undefined while it is not known. */
  readonly about?: () => { readonly version: string; readonly engine: string } | undefined;
  /** See {@link SummedHeadPorts}. */
  readonly recomputeBytes?: number;
}

export type NodeOutcome =
  | RunOutcome
  | { readonly ended: 'refused-there'; readonly error: ProtocolError }
  /** By a person of this hospital. */
  | { readonly ended: 'stopped' };

/** Of the second that a stop may take. */
const SETTLING_MS = 400;

export class HospitalNode {
  readonly #channel: CoordinatorChannel;
  readonly #runs = new Map<RunId, HospitalRun>();
  readonly #outcomes = new Map<RunId, NodeOutcome>();
  readonly #stopping = new AbortController();
  #prepared: Promise<Prepared> | undefined;
  /** Statements are handed on in the order in which they came. */
  #turn: Promise<void> = Promise.resolve();
  #finish!: (outcome: NodeOutcome) => void;
  #fail!: (error: unknown) => void;

  constructor(private readonly options: NodeOptions) {
    this.#channel = new CoordinatorChannel({
      ...options,
      onStatement: (statement) => {
        this.#turn = this.#turn.then(() => this.#heard(statement)).catch(this.#fail);
      },
      onLine: (state, why) => {
        options.progress({ event: 'line', state, ...(why && { why }) });
        // When the line is ready: it opens after this word.
        if (state === 'connected') {
          queueMicrotask(() => {
            this.#introduce();
          });
        }
      },
      onRefused: (error) => {
        this.#finish({ ended: 'refused-there', error });
      },
    });
  }

  /** Of each run that has ended here. */
  get outcomes(): ReadonlyMap<RunId, NodeOutcome> {
    return this.#outcomes;
  }

  /**
   * Takes part until every run that came has ended, or until one side refuses the other. Rejects when the local data
   * cannot be used.
   *
   * @returns How the last of them ended.
   */
  async run(): Promise<NodeOutcome> {
    const outcome = new Promise<NodeOutcome>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // The line opens first: the coordinator sees that we are there while the images are read.
    this.#channel.open();
    this.#prepared = this.options.learner.prepare();
    this.#prepared.then(
      () => {
        this.#introduce();
      },
      (error: unknown) => {
        this.#fail(error);
      },
    );
    try {
      return await outcome;
    } finally {
      this.#channel.close();
    }
  }

  /**
   * Ends at once: no more is sent, a training ends before its next batch, an update that was not acknowledged is erased.
   * {@link run} then resolves with `stopped`.
   */
  async stop(): Promise<void> {
    this.#channel.close();
    this.#stopping.abort(new Error('stopped by this hospital'));
    const runs = [...this.#runs.values()];
    // A request that waits for the line never settles: what is left goes down with the process.
    const settled = Promise.allSettled(runs.map((run) => run.settled()));
    await Promise.race([settled, sleep(SETTLING_MS)]);
    await Promise.allSettled(runs.map((run) => run.withdraw()));
    this.#finish({ ended: 'stopped' });
  }

  /** What a person here asks of the coordinator goes over the one line. @throws ProtocolError as it refuses. */
  ask(name: 'membership' | 'verify' | 'revoke', request: object): Promise<object> {
    return this.#channel.request(name, requests[name].parse(request));
  }

  #introduce(): void {
    const about = this.options.about?.();
    if (about !== undefined) this.#channel.mention('about', { ...about, clockMs: Date.now() });
  }

  /** Leaves for good and without a word, as a crash would; {@link run} does not resolve after it. */
  close(): void {
    this.#channel.close();
  }

  async #heard(statement: CoordinatorStatement): Promise<void> {
    const { runId } = statement.body;
    let run = this.#runs.get(runId);
    if (run === undefined) {
      // The configuration is the first that is said of a run; of one that is over here, nothing is new.
      if (statement.name !== 'run-config' || (await this.options.memory.isFinished(runId))) return;
      run = await this.#open(statement);
    }
    run.hear(statement);
  }

  async #open(config: Extract<CoordinatorStatement, { name: 'run-config' }>): Promise<HospitalRun> {
    if (this.#prepared === undefined) throw new Error('a statement arrived before the node was started');
    const run = await HospitalRun.open(config, {
      ...this.options,
      channel: this.#channel,
      prepared: this.#prepared,
      rules: this.options.rules ?? noRules,
      signal: this.#stopping.signal,
    });
    const { runId } = config.body;
    this.#runs.set(runId, run);
    run.outcome
      .catch((error: unknown) => {
        if (error instanceof Refused) return { ended: 'refused-there' as const, error };
        throw error;
      })
      .then(
        (outcome) => {
          this.#outcomes.set(runId, outcome);
          if (this.#outcomes.size === this.#runs.size) this.#finish(outcome);
        },
        (error: unknown) => {
          if (!this.#stopping.signal.aborted) this.#fail(error);
        },
      );
    return run;
  }
}
