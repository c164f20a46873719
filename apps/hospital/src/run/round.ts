/** One round at a hospital, from the plan to the bytes that leave: train, clip, seal, sign. */
import { clipUpdate } from '@consilium/aggregation';
import { fromHex } from '@consilium/bytes';
import { digestBlob, sealUpdate, signBytes } from '@consilium/crypto';
import { decimal, signStatement, type Digest, type Envelope, type Plan, type RunConfig } from '@consilium/protocol';
import type { Credentials } from '../channel/handshake.js';
import { floatBytes } from '@consilium/tensors';
import type { Learner } from './learner.js';

/** What leaves the hospital in a round; the update itself has no way out but through the seal. */
export interface Outgoing {
  readonly statement: Envelope;
  readonly blobDigest: Digest;
  readonly sealed: Uint8Array;
}

export async function answerPlan(
  { plan, digest: planDigest }: { readonly plan: Plan; readonly digest: Digest },
  config: RunConfig,
  model: Float32Array,
  learner: Learner,
  { hospitalId, identity }: Credentials,
  signal?: AbortSignal,
): Promise<Outgoing> {
  const { runId, round, attempt } = plan;
  const trained = await learner.train(config, model, round, signal);
  if (signal?.aborted === true) {
    // Stopped while it was trained: nothing is made of it.
    trained.update.fill(0);
    signal.throwIfAborted();
  }
  clipUpdate(trained.update, Number(config.clipNorm));
  const context = { runId, round, attempt, planDigest, hospitalId };
  const sealed = sealUpdate(floatBytes(trained.update), fromHex(plan.roundKey), context);
  trained.update.fill(0);
  const blobDigest = digestBlob(sealed) as Digest;
  const statement = signStatement(
    'update',
    {
      v: 1,
      ...{ runId, round, attempt, planDigest, blobDigest },
      from: hospitalId,
      blobBytes: sealed.length,
      examples: trained.examples,
      loss: decimal(trained.loss),
    },
    hospitalId,
    (bytes) => signBytes(identity, bytes),
  );
  return { statement: statement.envelope, blobDigest, sealed };
}
