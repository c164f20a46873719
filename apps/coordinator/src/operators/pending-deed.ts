/** One thing that somebody asked for, from the question to its end, as the activity has it. */
import type { ActionEntry, Actor } from '@consilium/operator-api';
import type { ActivityLog, Deed } from './activity-log.js';

export type About = Pick<Deed, 'run' | 'hospital' | 'operator' | 'detail'>;

export class PendingDeed {
  #isAllowed = false;

  constructor(
    private readonly log: Pick<ActivityLog, 'record'>,
    private readonly by: Actor,
    readonly action: string,
    private about: About,
  ) {}

  /** On the disk when it resolves: only then it may be done. @param more - what is known by now. */
  async allow(more: About = {}): Promise<void> {
    this.about = { ...this.about, ...more };
    await this.#write('allowed');
    this.#isAllowed = true;
  }

  /** What was refused, or allowed and did not come about. */
  async end(code: string): Promise<void> {
    await this.#write(this.#isAllowed ? 'failed' : 'refused', code);
  }

  async #write(outcome: ActionEntry['outcome'], code?: string): Promise<void> {
    const { by, action, about } = this;
    await this.log.record({ by, action, outcome, ...about, ...(code !== undefined && { code }) });
  }
}
