/**
 * What a hospital does in a run of the trust mode sealed: trains, and sends the one update of a plan, which is on the disk as
 * it leaves until the coordinator has acknowledged it.
 */
import { ProtocolError, type Plan, type RunConfig } from '@consilium/protocol';
import type { AcceptedPlan } from '@consilium/rounds';
import type { CoordinatorChannel } from '../channel/channel.js';
import type { Credentials } from '../channel/handshake.js';
import type { Learner } from './learner.js';
import type { RunMemory } from './memory.js';
import { answerPlan, type Outgoing } from './round.js';

export interface SealedPartPorts extends Credentials {
  readonly channel: CoordinatorChannel;
  readonly learner: Learner;
  readonly memory: RunMemory;
  readonly signal: AbortSignal;
}

export class SealedPart {
  /** @param outgoing - what an earlier process made and may not have sent. */
  constructor(
    private readonly ports: SealedPartPorts,
    private readonly config: RunConfig,
    private outgoing: Outgoing | undefined,
  ) {}

  async train(accepted: AcceptedPlan, model: Float32Array): Promise<void> {
    const { learner, memory, signal } = this.ports;
    const plan = { ...accepted, plan: accepted.plan as Plan };
    const outgoing = await answerPlan(plan, this.config, model, learner, this.ports, signal);
    // Before it is announced: an update that a crash lost would otherwise have to be made again, and differ.
    await memory.writeOutgoing(this.config.runId, outgoing);
    this.outgoing = outgoing;
  }

  /** @returns Why the coordinator does not take it; undefined when it has it. */
  async send(): Promise<ProtocolError | undefined> {
    const { outgoing } = this;
    this.outgoing = undefined;
    if (outgoing === undefined) throw new Error('there is no update to send');
    try {
      await this.ports.channel.sendUpdate(this.config.runId, outgoing);
      return undefined;
    } catch (error) {
      if (error instanceof ProtocolError) return error;
      throw error;
    }
  }

  /** Nothing of an update is left; not before it was acknowledged, or is given up. */
  async erase(): Promise<void> {
    this.outgoing = undefined;
    await this.ports.memory.eraseOutgoing(this.config.runId);
  }
}
