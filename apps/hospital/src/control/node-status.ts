/** What a running node is doing, in the words of its own progress. */
import { z } from 'zod';
import type { StartProgress } from '../commands/start.js';

export const nodeStatusSchema = z.strictObject({
  pid: z.int(),
  since: z.string(),
  line: z.enum(['connecting', 'connected', 'disconnected', 'unreachable']),
  /** Images whose embeddings are there, of how many. */
  embedded: z.strictObject({ done: z.int(), total: z.int() }).nullable(),
  /** The link to the page of this hospital, with its key; null where there is none. */
  page: z.string().nullable(),
  runs: z.array(z.strictObject({ run: z.string(), stage: z.string(), round: z.int() })),
});

export type NodeStatus = z.infer<typeof nodeStatusSchema>;

/** From the plan to the evaluation of the head that came of it. */
const WITHIN_A_ROUND = ['training', 'masking', 'sending', 'waiting', 'evaluating'];

export class StatusBoard {
  readonly #since = new Date().toISOString();
  readonly #runs = new Map<string, { readonly run: string; readonly stage: string; readonly round: number }>();
  #line: NodeStatus['line'] = 'connecting';
  #embedded: NodeStatus['embedded'] = null;
  page: NodeStatus['page'] = null;

  note(step: StartProgress): void {
    if (step.event === 'line') this.#line = step.state;
    else if (step.event === 'embedding') this.#embedded = { done: step.done, total: step.total };
    else if (step.event === 'stage') {
      const { run, stage, round } = step;
      this.#runs.set(run, { run, stage, round });
    }
  }

  get isConnected(): boolean {
    return this.#line === 'connected';
  }

  get isWithinARound(): boolean {
    return [...this.#runs.values()].some(({ stage }) => WITHIN_A_ROUND.includes(stage));
  }

  status(): NodeStatus {
    const { pid } = process;
    const runs = [...this.#runs.values()];
    return { pid, since: this.#since, line: this.#line, embedded: this.#embedded, page: this.page, runs };
  }
}
