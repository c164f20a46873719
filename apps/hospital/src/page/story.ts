/** What the page remembers of a node's own progress; after a restart the log of this hospital tells it again. */
import { z } from 'zod';

const scores = z.object({
  part: z.enum(['validation', 'test']),
  examples: z.number(),
  loss: z.number(),
  balancedAccuracy: z.number(),
  auc: z.number().nullable(),
});

/** What is worth telling of a step; everything else is the business of others. The log is a file, and may hold anything. */
const told = z.discriminatedUnion('event', [
  z.object({ event: z.literal('evaluated'), run: z.string(), round: z.int(), scores }),
  z.object({ event: z.literal('declined'), run: z.string(), round: z.int(), reason: z.string() }),
  z.object({
    event: z.literal('data'),
    usable: z.int(),
    quarantined: z.record(z.string(), z.int()),
    classes: z.record(z.string(), z.int()),
    backbone: z.object({ name: z.string(), trained: z.boolean() }),
    engine: z.string(),
    trainer: z.string(),
  }),
  z.object({ event: z.literal('line'), state: z.string(), why: z.string().optional() }),
]);

type Told = z.infer<typeof told>;
export type Evaluated = Omit<Extract<Told, { event: 'evaluated' }>, 'event'>;
export type LocalImages = Omit<Extract<Told, { event: 'data' }>, 'event'>;

/** Rounds of older runs go first. */
const ROUNDS_MAX = 1_000;

export class Story {
  readonly #evaluated = new Map<string, Evaluated>();
  #declined: { readonly run: string; readonly round: number; readonly reason: string } | undefined;
  #images: LocalImages | undefined;
  #why: string | undefined;

  note(step: unknown): void {
    const { success, data } = told.safeParse(step);
    if (!success) return;
    if (data.event === 'evaluated') {
      const key = `${data.run}/${data.round}`;
      this.#evaluated.delete(key);
      this.#evaluated.set(key, data);
      const oldest = this.#evaluated.keys().next();
      if (this.#evaluated.size > ROUNDS_MAX && oldest.done !== true) this.#evaluated.delete(oldest.value);
    } else if (data.event === 'declined') this.#declined = data;
    else if (data.event === 'data') this.#images = data;
    else this.#why = data.why;
  }

  /** Of an earlier process: its rounds happened, its line and its images say nothing of now. */
  recall(line: string): void {
    // Most lines are of something else: they are not worth parsing.
    if (!line.includes('"event":"evaluated"')) return;
    try {
      this.note(JSON.parse(line));
    } catch {
      // Cut off by a crash.
    }
  }

  /** In the order in which they were evaluated. */
  get evaluated(): readonly Evaluated[] {
    return [...this.#evaluated.values()];
  }

  get declined() {
    return this.#declined;
  }

  get images(): LocalImages | undefined {
    return this.#images;
  }

  /** Why the coordinator is not reached. */
  get why(): string | undefined {
    return this.#why;
  }
}
