/**
 * Virtual time. Whatever waits in a simulation waits here, in one queue, and one seeded generator decides everything that
 * chance decides: the same seed gives the same history. Between two tasks the event loop turns, so that all promises that a
 * task has settled have been taken note of before time goes on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SeededRandom } from '@consilium/tensors';

/** A process, or the world around the processes. What is asked for a dead one never happens, for a frozen one later. */
export interface Actor {
  readonly name: string;
  isDead: boolean;
  frozenUntilMs: number;
  /** Milliseconds of its clock in one of the world's. */
  readonly clockRate: number;
}

export const newActor = (name: string, clockRate = 1): Actor => ({ name, isDead: false, frozenUntilMs: 0, clockRate });

interface Task {
  atMs: number;
  readonly order: number;
  readonly actor: Actor;
  readonly ring: () => void;
  isCancelled: boolean;
}

export class World {
  readonly random: SeededRandom;
  /** Never dies and never freezes: cables, disks, operators. */
  readonly nature = newActor('nature');
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  #queue: Task[] = [];
  #order = 0;
  #nowMs = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(`simulation/${seed}`);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** @param delayMs - of the world. @returns What cancels it. */
  after(actor: Actor, delayMs: number, ring: () => void): () => void {
    const task = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, actor, ring, isCancelled: false };
    this.#insert(task);
    return () => {
      task.isCancelled = true;
    };
  }

  /** @returns A promise that stays open for ever when the actor dies meanwhile. */
  pause(actor: Actor, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(actor, delayMs, resolve);
    });
  }

  nextId(of: string): string {
    return `${of}-${this.#order++}`;
  }

  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }

  /** Mostly short, seldom long. */
  delay(typicalMs: number, longMs: number): number {
    return this.chance(0.05) ? this.random.uniform(typicalMs, longMs) : this.random.uniform(typicalMs / 4, typicalMs);
  }

  note(actor: Actor, what: string): void {
    this.trace.push(`${this.#nowMs.toFixed(3)} ${actor.name} ${what}`);
  }

  violated(claim: string): void {
    this.violations.push(`at ${(this.#nowMs / 1_000).toFixed(3)} s: ${claim}`);
  }

  /** Lets time pass. @returns Whether it was over before the deadline. */
  async run(deadlineMs: number, isOver: () => boolean): Promise<boolean> {
    while (!isOver()) {
      const task = this.#queue.shift();
      if (task === undefined || task.atMs > deadlineMs) {
        if (task !== undefined) this.#queue.unshift(task);
        this.#nowMs = Math.max(this.#nowMs, deadlineMs);
        return false;
      }
      if (task.isCancelled || task.actor.isDead) continue;
      if (task.actor.frozenUntilMs > task.atMs) {
        // In the old order: what was due in the frost is due at its end, one after the other.
        task.atMs = task.actor.frozenUntilMs;
        this.#insert(task);
        continue;
      }
      this.#nowMs = task.atMs;
      task.ring();
      // Two turns: the sum of a round lets the loop turn once between two updates.
      await nextTurn();
      await nextTurn();
    }
    return true;
  }

  #insert(task: Task): void {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#queue[middle] as Task;
      if (other.atMs < task.atMs || (other.atMs === task.atMs && other.order < task.order)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, task);
  }
}
