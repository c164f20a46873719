/** Live progress: a block that is drawn anew on a terminal, plain lines in a pipe. */
import { createLogUpdate } from 'log-update';
import type { CoordinatorStep, HospitalStep } from './steps.js';

interface Row {
  stage: string;
  loss: number | undefined;
  balancedAccuracy: number | undefined;
}

const STAGES: Readonly<Record<string, string>> = {
  joining: 'connecting',
  'awaiting-approval': 'waits for a person to approve',
  'awaiting-roster': 'waits for a person to compare the roster',
  ready: 'ready',
  training: 'training',
  masking: 'exchanging masks',
  sending: 'sending the sealed update',
  waiting: 'waiting for the others',
  evaluating: 'evaluating the new head',
  ended: 'finished',
  refusing: 'refuses to take part',
};

/** A pipe gets a line for each so many images. */
const EMBEDDED_A_LINE = 100;

export class Board {
  readonly #rows = new Map<string, Row>();
  readonly #live: ReturnType<typeof createLogUpdate> | undefined;
  readonly #ticking: NodeJS.Timeout | undefined;
  readonly #startedMs = performance.now();
  #title = 'preparing';

  constructor(private readonly stream: NodeJS.WriteStream) {
    if (!stream.isTTY) return;
    this.#live = createLogUpdate(stream);
    // While images are drawn nothing happens for seconds: the clock shows that the program lives.
    this.#ticking = setInterval(() => {
      this.#draw();
    }, 500).unref();
  }

  /** @param stage - what they are doing now. */
  hospitals(ids: readonly string[], stage: string): void {
    for (const id of ids) this.#rows.set(id, { stage, loss: undefined, balancedAccuracy: undefined });
    this.#draw();
  }

  /** What a hospital does now, where it cannot say so itself. */
  stage(id: string, stage: string): void {
    this.#change(id, { stage });
  }

  /** A line that stays. */
  note(text: string): void {
    const line = `${this.#clock()}  ${text}`;
    if (this.#live === undefined) {
      this.stream.write(`${line}\n`);
      return;
    }
    this.#live.clear();
    this.stream.write(`${line}\n`);
    this.#draw();
  }

  coordinator(step: CoordinatorStep): void {
    switch (step.event) {
      case 'listening':
        this.note(`coordinator listens on ${step.url}`);
        return;
      case 'round-started':
        if (step.purpose === 'evaluate') {
          this.#title = 'evaluation';
          this.note('the figures of the last head are summed');
          return;
        }
        this.#title = `round ${step.round}`;
        this.note(`round ${step.round} started with ${step.hospitals.join(', ')}`);
        return;
      case 'round-done': {
        for (const { id, loss } of step.hospitals) if (loss !== null) this.#change(id, { loss });
        const losses = step.hospitals.flatMap(({ id, loss }) => (loss === null ? [] : [`${id} ${loss.toFixed(3)}`]));
        // In the mode secagg the coordinator knows the mean alone.
        const loss = losses.length > 0 ? losses.join(', ') : `${step.totals.loss.toFixed(3)} on average`;
        const missing = step.missing.length > 0 ? `; MISSING: ${step.missing.join(', ')}` : '';
        this.note(`round ${step.round} averaged in ${step.seconds.toFixed(2)} s; loss ${loss}${missing}`);
        return;
      }
      case 'evaluation': {
        const { hospital, round, balancedAccuracy } = step;
        this.#change(hospital, { balancedAccuracy });
        if (this.#live === undefined)
          this.note(`round ${round}: ${hospital} balanced accuracy ${balancedAccuracy.toFixed(3)}`);
        return;
      }
      case 'disconnected':
        // A hospital that has finished leaves: that is no fault.
        if (this.#rows.get(step.hospital)?.stage !== STAGES['ended'])
          this.#change(step.hospital, { stage: 'not connected' });
        return;
      case 'refused-by-hospital':
        this.note(`${step.hospital} takes no part: ${step.rule}`);
        return;
      case 'refused':
        this.note(`the coordinator refused ${step.request}: ${step.code}`);
        return;
      case 'federated-evaluation': {
        const { balancedAccuracy, examples } = step.figures;
        this.note(
          `round ${step.round}: balanced accuracy ${balancedAccuracy.toFixed(3)} on ${examples} held-out images of all`,
        );
        return;
      }
      case 'disputed':
        this.note(`round ${step.round}: ${step.hospital} says that ${step.accused} dealt it bad shares`);
        return;
      case 'cohort-delta':
        this.note(`warning: sums of rounds ${step.round - 1} and ${step.round} differ by ${step.hospital} alone`);
        return;
      case 'run-failed':
        this.note(`the run cannot be led: ${step.code}`);
        return;
      case 'left-out':
        this.note(`${step.hospitals.join(' and ')} disputed shares again: in no later round`);
        return;
      case 'stage':
      case 'connected':
      case 'about':
      case 'consented':
      case 'update':
      case 'ended':
      case 'leading':
      case 'waiting-to-lead':
      case 'deposed':
      case 'run-taken-up':
      case 'setup-link':
    }
  }

  hospital(id: string, step: HospitalStep): void {
    switch (step.event) {
      case 'embedding': {
        this.#change(id, { stage: `embedding images ${step.done}/${step.total}` });
        const { done, total } = step;
        if (this.#live === undefined && (done === total || done % EMBEDDED_A_LINE === 0))
          this.note(`${id}: ${done} of ${total} images read`);
        return;
      }
      case 'stage':
        this.#change(id, { stage: STAGES[step.stage] ?? step.stage });
        return;
      case 'line':
        if (step.state !== 'connected') this.note(`${id}: the coordinator is ${step.state}`);
        return;
      case 'warning':
        this.note(`${id}: warning ${step.message}`);
        return;
      case 'declined':
        this.note(`${id}: no update in round ${step.round}, ${step.reason}`);
        return;
      case 'evaluated':
        // The hospital's own word: this board stands where its process was started.
        this.#change(id, { balancedAccuracy: step.scores.balancedAccuracy });
        return;
      case 'data':
      case 'page':
      case 'who-sees':
      case 'verified':
      case 'finished':
    }
  }

  /** A line of its own, as programs look for it. */
  link(line: string): void {
    this.#live?.clear();
    this.stream.write(`${line}\n`);
    this.#draw();
  }

  /** Takes the block away; notes stay. */
  close(): void {
    clearInterval(this.#ticking);
    this.#live?.clear();
    this.#live?.done();
  }

  #change(id: string, change: Partial<Row>): void {
    Object.assign(this.#rows.get(id) ?? {}, change);
    this.#draw();
  }

  #draw(): void {
    const width = Math.max(...[...this.#rows.keys()].map(({ length }) => length));
    const rows = [...this.#rows].map(([id, { stage, loss, balancedAccuracy }]) => {
      const figures = [
        loss === undefined ? '' : `loss ${loss.toFixed(3)}`,
        balancedAccuracy === undefined ? '' : `balanced accuracy ${balancedAccuracy.toFixed(3)}`,
      ];
      return `  ${id.padEnd(width)}  ${stage.padEnd(25)}  ${figures.join('  ')}`.trimEnd();
    });
    this.#live?.([`${this.#clock()}  ${this.#title}`, ...rows].join('\n'));
  }

  #clock(): string {
    return `${((performance.now() - this.#startedMs) / 1_000).toFixed(1).padStart(5)} s`;
  }
}
