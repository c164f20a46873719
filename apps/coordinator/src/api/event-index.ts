/** Of each event of a run the time, the type and the hospital, in memory: a history is paged through without reading it. */
import type { RunStore } from '@consilium/store';

export class EventIndex {
  readonly #atMs: number[] = [];
  readonly #types: string[] = [];
  readonly #hospitals: (string | null)[] = [];
  /** One copy of each word. */
  readonly #words = new Map<string, string>();
  #turn: Promise<void> = Promise.resolve();

  get length(): number {
    return this.#atMs.length;
  }

  /** Since 1970. Never less than that of the event before, also where the clock of the database went back. */
  atMs(i: number): number {
    return this.#atMs[i] ?? 0;
  }

  type(i: number): string {
    return this.#types[i] ?? '';
  }

  hospital(i: number): string | null {
    return this.#hospitals[i] ?? null;
  }

  /** @param events - how many there are. */
  readOn(store: Pick<RunStore, 'events'>, runId: string, events: number): Promise<void> {
    const read = this.#turn.then(async () => {
      if (this.length >= events) return;
      for await (const { at, event } of store.events(runId, this.length)) {
        const { type, hospitalId, update } = JSON.parse(event) as {
          type: string;
          hospitalId?: string;
          update?: { hospitalId?: string };
        };
        this.#atMs.push(Math.max(this.atMs(this.length - 1), Date.parse(at)));
        this.#types.push(this.#word(type));
        const hospital = hospitalId ?? update?.hospitalId;
        this.#hospitals.push(hospital === undefined ? null : this.#word(hospital));
      }
    });
    this.#turn = read.catch(() => undefined);
    return read;
  }

  #word(word: string): string {
    const known = this.#words.get(word);
    if (known === undefined) this.#words.set(word, word);
    return known ?? word;
  }
}
