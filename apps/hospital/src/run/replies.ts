/** What a hospital says of a run besides its update, signed: digests, codes and figures, and no more. */
import { signBytes } from '@consilium/crypto';
import {
  decimal,
  signStatement,
  type Aggregate,
  type Decline,
  type Digest,
  type Envelope,
  type PolicyRule,
  type RunId,
  type Statement,
} from '@consilium/protocol';
import type { AcceptedPlan } from '@consilium/rounds';
import type { Credentials } from '../channel/handshake.js';
import type { Scores } from './learner.js';

export type DeclineReason = PolicyRule | 'PAUSED' | 'UPDATE_LOST' | 'CLOCK';

type Reason =
  | Pick<Extract<Decline, { reason: 'POLICY' }>, 'reason' | 'rule'>
  | Pick<Exclude<Decline, { reason: 'POLICY' }>, 'reason'>;

export class Replies {
  constructor(private readonly credentials: Credentials) {}

  consent(runId: RunId, configDigest: Digest): Envelope {
    return this.#sign('consent', { v: 1, runId, from: this.credentials.hospitalId, configDigest });
  }

  /** The rule, and nothing else of ours. */
  refusal(runId: RunId, configDigest: Digest, rule: PolicyRule): Envelope {
    return this.#sign('refusal', { v: 1, runId, from: this.credentials.hospitalId, configDigest, rule });
  }

  decline({ plan, digest: planDigest }: AcceptedPlan, reason: DeclineReason): Envelope {
    const { runId, round, attempt } = plan;
    const why: Reason =
      reason === 'PAUSED' || reason === 'UPDATE_LOST' || reason === 'CLOCK'
        ? { reason }
        : { reason: 'POLICY', rule: reason };
    return this.#sign('decline', {
      v: 1,
      runId,
      round,
      attempt,
      planDigest,
      from: this.credentials.hospitalId,
      ...why,
    });
  }

  /** @param scores - undefined where nothing is held out. */
  evaluation({ runId, round, attempt, planDigest, model }: Aggregate, scores: Scores | undefined): Envelope {
    return this.#sign('evaluation', {
      v: 1,
      ...{ runId, round, attempt, planDigest, model },
      from: this.credentials.hospitalId,
      scores: scores === undefined ? null : signable(scores),
    });
  }

  #sign<N extends 'consent' | 'refusal' | 'decline' | 'evaluation'>(name: N, body: Statement<N>): Envelope {
    const { identity, hospitalId } = this.credentials;
    return signStatement(name, body, hospitalId, (bytes) => signBytes(identity, bytes)).envelope;
  }
}

const signable = ({ part, examples, loss, accuracy, balancedAccuracy, auc }: Scores) => ({
  ...{ part, examples },
  loss: decimal(loss),
  accuracy: decimal(accuracy),
  balancedAccuracy: decimal(balancedAccuracy),
  auc: auc === null ? null : decimal(auc),
});
