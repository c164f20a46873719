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
  ready: 'ready',
  training: 'training',
  sending: 'sending the sealed update',
  waiting: 'waiting for the others',
  evaluating: 'evaluating the new head',
  ended: 'finished',
  refusing: 'refuses to take part',
};

export class Board {
  readonly #rows = new Map<string, Row>();
  readonly #live: ((text: string) => void) | undefined;
  readonly #startedMs = performance.now();
  #title = '';

  constructor(private readonly stream: NodeJS.WriteStream) {
    this.#live = stream.isTTY ? createLogUpdate(stream) : undefined;
  }

  hospitals(ids: readonly string[]): void {
    for (const id of ids) this.#rows.set(id, { stage: 'starting', loss: undefined, balancedAccuracy: undefined });
  }

  /** A line that stays. */
  note(text: string): void {
    const line = `${this.#clock()}  ${text}`;
    if (this.#live === undefined) {
      this.stream.write(`${line}\n`);
      return;
    }
    this.#live('');
    this.stream.write(`${line}\n`);
    this.#draw();
  }

  coordinator(step: CoordinatorStep): void {
    switch (step.event) {
      case 'listening':
        this.note(`coordinator listens on ${step.url}`);
        return;
      case 'round-started':
        this.#title = `round ${step.round}`;
        this.note(`round ${step.round} started with ${step.hospitals.join(', ')}`);
        return;
      case 'round-done': {
        for (const { id, loss } of step.hospitals) this.#change(id, { loss });
        const losses = step.hospitals.map(({ id, loss }) => `${id} ${loss.toFixed(3)}`).join(', ');
        const missing = step.missing.length > 0 ? `; MISSING: ${step.missing.join(', ')}` : '';
        this.note(`round ${step.round} averaged in ${step.seconds.toFixed(2)} s; loss ${losses}${missing}`);
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
        this.#change(step.hospital, { stage: 'not connected' });
        return;
      case 'refused':
        this.note(`the coordinator refused ${step.request}: ${step.code}`);
        return;
      case 'connected':
      case 'consented':
      case 'update':
      case 'ended':
    }
  }

  hospital(id: string, step: HospitalStep): void {
    switch (step.event) {
      case 'embedding': {
        this.#change(id, { stage: `embedding images ${step.done}/${step.total}` });
        if (this.#live === undefined && step.done === step.total) this.note(`${id}: ${step.total} images embedded`);
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
      case 'evaluated':
      case 'finished':
    }
  }

  /** Takes the block away; notes stay. */
  close(): void {
    this.#live?.('');
  }

  #change(id: string, change: Partial<Row>): void {
    Object.assign(this.#rows.get(id) ?? {}, change);
    this.#draw();
  }

  #draw(): void {
    const rows = [...this.#rows].map(([id, { stage, loss, balancedAccuracy }]) => {
      const figures = [
        loss === undefined ? '' : `loss ${loss.toFixed(3)}`,
        balancedAccuracy === undefined ? '' : `balanced accuracy ${balancedAccuracy.toFixed(3)}`,
      ];
      return `  ${id.padEnd(20)} ${stage.padEnd(28)} ${figures.join('  ')}`;
    });
    this.#live?.([`${this.#clock()}  ${this.#title}`, ...rows].join('\n'));
  }

  #clock(): string {
    return `${((performance.now() - this.#startedMs) / 1_000).toFixed(1).padStart(5)} s`;
  }
}
