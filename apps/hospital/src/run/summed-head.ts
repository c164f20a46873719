/**
 * From announced sums to heads, computed here: this hospital believes no head that does not follow from a sum, and no sum
 * that does not follow from the vectors it agreed to (libs/secagg/SPEC.md, section 7).
 */
import { randomInt } from 'node:crypto';
import { momentCount, serverOptimizerOf, startMoments, stepServer, type ServerMoments } from '@consilium/aggregation';
import { fromHex } from '@consilium/bytes';
import { digestBlob } from '@consilium/crypto';
import { openStatement, ProtocolError, revealedSchema, type Digest, type Opened } from '@consilium/protocol';
import { decodeFigures, differingField, type SummedFigures } from '@consilium/rounds';
import {
  checkPlan,
  CHUNK_BYTES,
  readAggregate,
  Recomputation,
  SecAggError,
  verifyAggregate,
  type CheckedPlan,
  type Witness,
} from '@consilium/secagg';
import { floatBytes } from '@consilium/tensors';
import { Refused, type CoordinatorChannel } from '../channel/channel.js';

export interface Head {
  readonly round: number;
  readonly digest: Digest;
  /** float32, shape (parameters,). */
  readonly model: Float32Array;
}

export interface SummedHeadPorts {
  readonly channel: CoordinatorChannel;
  readonly config: Opened<'run-config'>;
  /** The coordinator's, Ed25519. */
  readonly verify: (bytes: Uint8Array, signature: Uint8Array) => boolean;
  readonly initial: Float32Array;
  /** What this hospital reads of a round's vectors, bytes; absent: {@link RECOMPUTE_BYTES}. */
  readonly recomputeBytes?: number;
}

/** How a sum was recomputed from the vectors of all who are in it: whole, in random chunks, or not. */
export type Recomputed = 'whole' | 'sampled' | 'no';

/** What a hospital reads of a round's vectors together: up to here the whole sum is recomputed, above as many random chunks. */
const RECOMPUTE_BYTES = 67_108_864;

export class SummedHead {
  /** After the round that {@link #momentsOf} says. */
  #moments: ServerMoments | undefined;
  #momentsOf = 0;

  readonly #recomputeBytes: number;

  constructor(private readonly ports: SummedHeadPorts) {
    this.#recomputeBytes = ports.recomputeBytes ?? RECOMPUTE_BYTES;
  }

  /**
   * Follows a run from a head that is known to the one that an aggregate announces, over all rounds in between.
   *
   * @param from - the head of the last round that was followed.
   * @param witness - of this hospital, if it helped to open that very sum.
   * @throws {@link SecAggError} with what is wrong with a sum. @throws {@link ProtocolError} `DIGEST_MISMATCH` for a blob.
   */
  async follow(
    from: Head,
    aggregate: Opened<'secagg-aggregate'>,
    witness: Witness | undefined,
  ): Promise<{ readonly head: Head; readonly figures: SummedFigures | null; readonly recomputed: Recomputed }> {
    let head = await this.#withMoments(from);
    while (head.round + 1 < aggregate.body.round) {
      const past = await this.#past(head.round + 1);
      ({ head } = await this.#next(head, past.plan, past.aggregate, undefined));
    }
    const plan = witness?.cohort.plan ?? (await this.#past(aggregate.body.round)).plan;
    return this.#next(head, plan, aggregate, witness);
  }

  /** An optimiser with moments starts at the beginning where they are not in memory: they follow from the sums. */
  async #withMoments(from: Head): Promise<Head> {
    const { server, initialModel, parameters } = this.ports.config.body;
    const optimizer = serverOptimizerOf(server);
    if (momentCount(optimizer) === 0 || (this.#moments !== undefined && this.#momentsOf === from.round)) return from;
    this.#moments = startMoments(optimizer, parameters);
    this.#momentsOf = 0;
    let head: Head = { round: 0, digest: initialModel, model: this.ports.initial };
    while (head.round < from.round) {
      const past = await this.#past(head.round + 1);
      ({ head } = await this.#next(head, past.plan, past.aggregate, undefined));
    }
    if (head.digest !== from.digest) throw new SecAggError('AGGREGATE_FORGED', 'the past of this run was changed');
    return head;
  }

  async #past(round: number): Promise<{ plan: CheckedPlan; aggregate: Opened<'secagg-aggregate'> }> {
    const { channel, config, verify } = this.ports;
    const { runId } = config.body;
    const said = await channel.request('round.read', { runId, round });
    const plan = openStatement('secagg-plan', said.plan, verify);
    const aggregate = openStatement('secagg-aggregate', said.aggregate, verify);
    const isOne = aggregate.body.planDigest === plan.digest && plan.body.round === round;
    if (!isOne || plan.body.configDigest !== config.digest || differingField(plan.body, config.body) !== undefined) {
      throw new SecAggError('WRONG_CONTEXT', 'a past round is not one of this run');
    }
    return { plan: checkPlan(plan), aggregate };
  }

  async #next(before: Head, plan: CheckedPlan, aggregate: Opened<'secagg-aggregate'>, witness: Witness | undefined) {
    const { channel, config } = this.ports;
    const { body } = aggregate;
    if (body.runId !== config.body.runId || body.round !== before.round + 1 || plan.body.model !== before.digest) {
      throw new SecAggError('WRONG_CONTEXT', 'this sum does not follow from the head that is known');
    }
    const bytes = await channel.readBlob(body.runId, body.sumDigest, 4 * plan.words);
    const sum = new Int32Array(bytes.buffer);
    const decoded = witness === undefined ? readAggregate(plan, body, sum) : verifyAggregate(witness, body, sum);
    const recomputed = witness === undefined ? 'no' : await this.#recomputeIfKept(witness, body, sum);
    const { figures } = decodeFigures(decoded.metrics, decoded.hospitals);
    const model = plan.body.parameters === 0 ? before.model : this.#step(before, decoded.mean);
    const digest = digestBlob(floatBytes(model)) as Digest;
    if (digest !== body.model) throw new SecAggError('AGGREGATE_FORGED', 'the head does not follow from the sum');
    return { head: { round: body.round, digest, model }, figures, recomputed };
  }

  #step(before: Head, mean: Float64Array): Float32Array {
    const optimizer = serverOptimizerOf(this.ports.config.body.server);
    const moments = momentCount(optimizer) === 0 ? [] : this.#moments;
    if (moments === undefined) throw new TypeError('the moments of this run are not known');
    const next = stepServer(optimizer, before.model, mean, moments);
    this.#moments = next.moments;
    this.#momentsOf = before.round + 1;
    return next.head;
  }

  /** Vectors go after a time. Who is that late finds a later sum; a coordinator that has none hides something. */
  async #recomputeIfKept(
    witness: Witness,
    body: Opened<'secagg-aggregate'>['body'],
    sum: Int32Array,
  ): Promise<Recomputed> {
    try {
      return await this.#recompute(witness, body, sum);
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'BLOB_UNKNOWN')) throw error;
      await this.#past(body.round + 1).catch((cause: unknown) => {
        if (!(cause instanceof Refused)) throw cause;
        throw new SecAggError('AGGREGATE_FORGED', 'the vectors of the newest sum are not shown');
      });
      return 'no';
    }
  }

  async #recompute(
    witness: Witness,
    body: Opened<'secagg-aggregate'>['body'],
    sum: Int32Array,
  ): Promise<Exclude<Recomputed, 'no'>> {
    const { channel } = this.ports;
    const text = await channel.readBlob(body.runId, body.revealedDigest, body.revealedBytes);
    const revealed = revealedSchema.safeParse(parseJson(text));
    if (!revealed.success) throw new SecAggError('AGGREGATE_FORGED', 'the recovered secrets cannot be read');
    const recomputation = new Recomputation(
      witness,
      body,
      sum,
      revealed.data.map(({ x, type, secret }) => ({ x, type, secret: fromHex(secret) })),
    );
    if (body.vectors.length * sum.byteLength > this.#recomputeBytes) {
      await this.#sample(recomputation, body, sum.byteLength);
      return 'sampled';
    }
    const vectors = new Map<number, Uint32Array>();
    for (const { x, blobDigest } of body.vectors) {
      const vector = await channel.readBlob(body.runId, blobDigest, sum.byteLength);
      vectors.set(x, new Uint32Array(vector.buffer));
    }
    recomputation.requireWhole((x) => vectors.get(x) ?? null);
    return 'whole';
  }

  /** Chosen here, after the sum was announced; hospitals choose apart, so that together they see about every chunk. */
  async #sample(
    recomputation: Recomputation,
    { runId, vectors, leavesDigest, leavesBytes }: Opened<'secagg-aggregate'>['body'],
    sizeBytes: number,
  ): Promise<void> {
    const { channel } = this.ports;
    const requireChunk = recomputation.sampling(await channel.readBlob(runId, leavesDigest, leavesBytes));
    const count = Math.max(1, Math.floor(this.#recomputeBytes / (CHUNK_BYTES * vectors.length)));
    for (const chunk of randomChunks(recomputation.chunks, count)) {
      const offset = chunk * CHUNK_BYTES;
      const place = { sizeBytes, offset, length: Math.min(CHUNK_BYTES, sizeBytes - offset) };
      const parts = new Map<number, Uint8Array>();
      for (const { x, blobDigest } of vectors) parts.set(x, await channel.readPart(runId, blobDigest, place));
      requireChunk(chunk, (x) => parts.get(x) ?? null);
    }
  }
}

/** So many of the chunks, none twice, unpredictable. */
function randomChunks(chunks: number, count: number): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(chunks, count)) chosen.add(randomInt(chunks));
  return chosen;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new ProtocolError('MESSAGE_INVALID', 'recovered secrets');
  }
}
