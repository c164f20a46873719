/** From a masked sum and t hospitals' shares to the sum: nothing comes out unless everything holds. */
import { equalBytes } from '@consilium/bytes';
import { addKeystreams, digestBlob, roundPublicKey, shareCombiner } from '@consilium/crypto';
import { type Member, sessionHeader } from './cohort.js';
import type { CheckedUnmask, Stage, SurvivingCohort } from './coordinator.js';
import { recoveredDigest, wordBytes } from './digests.js';
import { type DecodedSum, decodeSum } from './encoding.js';
import { SecAggError } from './errors.js';
import { commitSelfSeed } from './keys.js';
import { forgetMasks, type RecoveredSecret, remainingMasks } from './masks.js';
import type { Aggregate } from './messages.js';
import type { CheckedPlan } from './params.js';
import { COORDINATOR } from './statements.js';

/** A secret that the others' shares gave back: of the hospital at x. */
export interface RevealedSecret {
  readonly x: number;
  readonly type: RecoveredSecret['type'];
  readonly secret: Uint8Array;
}

export interface OpenedSum {
  /** Int32, shape (D,). Public from here on, with what it says. */
  readonly sum: Int32Array;
  readonly decoded: DecodedSum;
  /** For hospitals and auditors that recompute the sum; they are told no more than the coordinator knows. */
  readonly recovered: readonly RevealedSecret[];
}

/** Whether a recovered secret is the one that its owner committed to in its advert. */
export function isCommitted(plan: CheckedPlan, { member, type, secret }: RecoveredSecret): boolean {
  return type === 'self-seed'
    ? commitSelfSeed(plan.digest, member.maskKey, secret) === member.seedCommit
    : equalBytes(roundPublicKey(secret), member.maskKey);
}

function recover(cohort: SurvivingCohort, replies: readonly CheckedUnmask[]): RecoveredSecret[] {
  const { plan, alive, dropped } = cohort;
  const used = replies.slice(0, plan.body.threshold);
  const combine = shareCombiner(used.map(({ from }) => from.x));
  const secretOf = (member: Member, type: RecoveredSecret['type']): RecoveredSecret => {
    const shares = used.map((reply) => (type === 'self-seed' ? reply.selfSeeds : reply.maskKeys).get(member.x));
    const recovered = { member, type, secret: combine(shares as Uint8Array[]) };
    // Each share is what the dealer signed: only the dealer can have made them wrong.
    if (!isCommitted(plan, recovered)) {
      throw new SecAggError('BAD_SHARE', `${member.hospitalId} dealt shares of something else`, member.hospitalId);
    }
    return recovered;
  };
  return [
    ...alive.map((member) => secretOf(member, 'self-seed')),
    ...dropped.map((member) => secretOf(member, 'mask-key')),
  ];
}

/**
 * Removes the masks and decodes.
 *
 * @param replies - checked, one for each survivor that answered.
 * @throws {@link SecAggError} `TOO_FEW`; `BAD_SHARE` with the dealer; `SUM_CORRUPT`, `SUM_OUT_OF_RANGE`. The attempt is over
 * then: what is left of the sum must not be used.
 */
export function openSum(cohort: SurvivingCohort, replies: readonly CheckedUnmask[]): Stage<Aggregate, OpenedSum> {
  const { plan, sessionId, alive, sum } = cohort;
  const once = [...new Map(replies.map((reply) => [reply.from.x, reply])).values()];
  const { threshold } = plan.body;
  if (once.length < threshold) throw new SecAggError('TOO_FEW', `${once.length} of ${threshold} gave their shares`);
  const recovered = recover(cohort, once);
  const masks = remainingMasks(cohort, alive, recovered);
  addKeystreams(sum.words, masks);
  forgetMasks(masks);
  const opened = new Int32Array(sum.words.buffer);
  const decoded = decodeSum(plan, sessionId, opened, alive.length);
  const send = {
    ...sessionHeader(cohort, COORDINATOR),
    survivors: alive.map(({ x }) => x),
    sumDigest: digestBlob(wordBytes(opened)),
    recovered: recovered.map(({ member, type, secret }) => ({
      x: member.x,
      type,
      digest: recoveredDigest(sessionId, type, member.x, secret),
    })),
  };
  const revealed = recovered.map(({ member: { x }, type, secret }) => ({ x, type, secret }));
  return { send, keep: { sum: opened, decoded, recovered: revealed } };
}
