/** How a run ends at this hospital: once, and whoever ends it first says why. */
import { ProtocolError, type Opened, type RunEnd } from '@consilium/protocol';
import type { LocalRefusal } from '@consilium/rounds';
import { Refused, type CoordinatorChannel } from '../channel/channel.js';
import type { RunOutcome } from './outcome.js';
import type { Stopwatch } from './stopwatch.js';
import type { Recomputed } from './summed-head.js';

export class Ending {
  /** What the coordinator has said of it: whoever waits for a person need not wait for one any more. */
  announced: RunEnd | undefined;
  /** Sums that were followed, by how they were recomputed. */
  readonly sums: Record<Recomputed, number> = { whole: 0, sampled: 0, no: 0 };
  #isOver = false;
  #resolve!: (outcome: RunOutcome) => void;
  #reject!: (error: unknown) => void;
  readonly outcome = new Promise<RunOutcome>((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  constructor(
    private readonly channel: Pick<CoordinatorChannel, 'sentBytes'>,
    private readonly stopwatch: Stopwatch,
  ) {}

  /** Whether it has. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** This hospital does not go on. */
  refuse(code: LocalRefusal | 'POLICY', detail = ''): void {
    this.#isOver = true;
    this.#resolve({ ended: 'refused-here', code, detail });
  }

  /** What is wrong with the coordinator's words ends the run; any other error is its caller's. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError && !(error instanceof Refused)) {
      this.refuse('COORDINATOR_MISBEHAVED', error.message);
    } else {
      this.#isOver = true;
      this.#reject(error);
    }
  }

  finish(
    { outcome, reason, rounds }: Pick<RunEnd, 'outcome' | 'reason' | 'rounds'>,
    config: Opened<'run-config'> | undefined,
    model: Float32Array | undefined,
  ): void {
    this.#isOver = true;
    const { sentBytes } = this.channel;
    const measured = { sentBytes, sums: this.sums, seconds: this.stopwatch.seconds() };
    this.#resolve({ ended: outcome, reason, rounds, config, model, ...measured });
  }
}
