/** Says what a hospital says of a run besides its update, signed: digests, codes and figures, and no more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { signBytes } from '@consilium/crypto';
import {
  decimal,
  ProtocolError,
  signStatement,
  type Aggregate,
  type Decline,
  type Digest,
  type Envelope,
  type Opened,
  type PolicyRule,
  type RunId,
  type Statement,
} from '@consilium/protocol';
import type { AcceptedPlan } from '@consilium/rounds';
import type { CoordinatorChannel } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import type { Scores } from './learner.js';

export type DeclineReason = PolicyRule | 'PAUSED' | 'UPDATE_LOST' | 'CLOCK';

/** How long a refusal may take to be said. */
const REFUSAL_MS = 10_000;

type Reason =
  | Pick<Extract<Decline, { reason: 'POLICY' }>, 'reason' | 'rule'>
  | Pick<Exclude<Decline, { reason: 'POLICY' }>, 'reason'>;

export class Replies {
  constructor(private readonly ports: Credentials & { readonly channel: CoordinatorChannel }) {}

  async consent(runId: RunId, configDigest: Digest): Promise<void> {
    const statement = this.#sign('consent', { v: 1, runId, from: this.ports.hospitalId, configDigest });
    await this.ports.channel.request('consent', { statement });
  }

  /** The rule, and nothing else of ours. The coordinator learns of it if it listens; nothing here depends on that. */
  async refuse({ body: { runId }, digest: configDigest }: Opened<'run-config'>, rule: PolicyRule): Promise<void> {
    const { hospitalId: from, channel } = this.ports;
    const statement = this.#sign('refusal', { v: 1, runId, from, configDigest, rule });
    const said = channel.request('refuse', { statement }).catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) throw error;
    });
    await Promise.race([said, sleep(REFUSAL_MS, undefined, { ref: false })]);
  }

  async decline({ plan, digest: planDigest }: AcceptedPlan, reason: DeclineReason): Promise<void> {
    const { runId, round, attempt } = plan;
    const why: Reason =
      reason === 'PAUSED' || reason === 'UPDATE_LOST' || reason === 'CLOCK'
        ? { reason }
        : { reason: 'POLICY', rule: reason };
    const { hospitalId: from, channel } = this.ports;
    const statement = this.#sign('decline', { v: 1, runId, round, attempt, planDigest, from, ...why });
    await channel.request('decline', { statement });
  }

  /** @param scores - undefined where nothing is held out. */
  async evaluation({ runId, round, attempt, planDigest, model }: Aggregate, scores: Scores | undefined): Promise<void> {
    const statement = this.#sign('evaluation', {
      v: 1,
      ...{ runId, round, attempt, planDigest, model },
      from: this.ports.hospitalId,
      scores: scores === undefined ? null : signable(scores),
    });
    await this.ports.channel.request('evaluation', { statement });
  }

  #sign<N extends 'consent' | 'refusal' | 'decline' | 'evaluation'>(name: N, body: Statement<N>): Envelope {
    const { identity, hospitalId } = this.ports;
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
