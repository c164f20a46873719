/** What the rounds of either trust mode need of the run that they are a part of. */
import type { Logger } from 'pino';
import type { Opened, PushedName } from '@consilium/protocol';
import type { CoordinatorEvent } from '@consilium/rounds';
import type { Lease, RunStore } from '@consilium/store';
import type { Clock } from './clock.js';
import type { Attachment } from './durable-machine.js';
import type { Progress } from './progress.js';
import type { PublishedModels } from './published-models.js';
import type { RunStatements } from './statements.js';

export interface RoundsPorts {
  readonly config: Opened<'run-config'>;
  readonly statements: RunStatements;
  readonly models: PublishedModels;
  readonly store: RunStore;
  readonly lease: () => Lease;
  readonly clock: Clock;
  readonly log: Logger;
  /** An event of our own: what the store refuses is told elsewhere. */
  readonly internally: (event: CoordinatorEvent, attachment?: Attachment) => Promise<void>;
  readonly push: (name: PushedName, statement: Pick<Opened<'plan'>, 'envelope'>) => void;
  readonly say: (progress: Progress) => void;
  readonly fail: (error: unknown) => Promise<void>;
  /** Whether this may pass: then the work is begun again. */
  readonly mayPass: (error: unknown) => boolean;
}

/** How long to wait before work that the store interrupted is begun again. */
export const WORK_RETRY_MS = 500;
