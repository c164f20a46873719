/** What a run at a hospital needs of the node that it is a part of. */
import type { RunConfig } from '@consilium/protocol';
import type { CoordinatorChannel } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import type { HospitalRules } from './hospital-rules.js';
import type { Learner, Prepared } from './learner.js';
import type { RunMemory } from './memory.js';
import type { RunProgress } from './outcome.js';

export interface RunPorts extends Credentials {
  readonly channel: CoordinatorChannel;
  readonly learner: Learner;
  readonly prepared: Promise<Prepared>;
  readonly memory: RunMemory;
  readonly modes: readonly RunConfig['mode'][];
  readonly rules: HospitalRules;
  /** See {@link SummedHeadPorts}. */
  readonly recomputeBytes?: number;
  /** Ends a training that is under way. */
  readonly signal: AbortSignal;
  readonly progress: (progress: RunProgress) => void;
}
