/**
 * From announced sums to heads, computed here: this hospital believes no head that does not follow from a sum, and no sum
 * that does not follow from the vectors that their hospitals signed and t of them agreed to, whether it was there or not
 * (libs/secagg/SPEC.md, section 7).
 */
import { randomInt } from 'node:crypto';
import { momentCount, serverOptimizerOf, startMoments, stepServer, type ServerMoments } from '@consilium/aggregation';
import { fromHex } from '@consilium/bytes';
import { digestBlob } from '@consilium/crypto';
import {
  evidenceSchema,
  openStatement,
  parseUnverified,
  ProtocolError,
  revealedSchema,
  type Digest,
  type Opened,
} from '@consilium/protocol';
import { decodeFigures, differingField, type SummedFigures } from '@consilium/rounds';
import {
  checkPlan,
  CHUNK_BYTES,
  Recomputation,
  requireSigned,
  SecAggError,
  verifyAggregate,
  witnessOf,
  type CheckedPlan,
  type Witness,
} from '@consilium/secagg';
import { floatBytes } from '@consilium/tensors';
import { Refused, type CoordinatorChannel } from '../channel/channel.js';
import { openSigned } from './forwarded.js';

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

type Sum = Opened<'secagg-aggregate'>['body'];

/** What hospitals signed of a sum, verified. */
interface Shown {
  readonly witness: Witness;
  /** By the digests that their hospitals signed, x ascending. */
  readonly vectors: readonly { readonly x: number; readonly blobDigest: Digest }[];
}

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
   * @param own - of this hospital, if it gave its shares for that very sum; else what others have signed has to show it.
   * @throws {@link SecAggError} with what is wrong with a sum. @throws {@link ProtocolError} `DIGEST_MISMATCH` for a blob.
   */
  async follow(
    from: Head,
    aggregate: Opened<'secagg-aggregate'>,
    own: Witness | undefined,
  ): Promise<{
    readonly head: Head;
    readonly figures: SummedFigures | null;
    readonly recomputed: Recomputed;
    /** Nothing follows in this run: the sum was one of figures alone. */
    readonly isLast: boolean;
  }> {
    let head = await this.#withMoments(from);
    while (head.round + 1 < aggregate.body.round) {
      const past = await this.#past(head.round + 1);
      ({ head } = await this.#next(head, past.plan, past.aggregate, this.#recomputeBytes));
    }
    const plan = own?.cohort.plan ?? (await this.#past(aggregate.body.round)).plan;
    return this.#next(head, plan, aggregate, this.#recomputeBytes, own);
  }

  /**
   * Whether the head of an earlier round is this one: t hospitals signed to have started the next round from it.
   *
   * @throws {@link SecAggError} with what is wrong.
   */
  async requireHead(round: number, digest: Digest): Promise<void> {
    const next = await this.#past(round + 1);
    await this.#shown(next.plan, next.aggregate.body);
    if (next.plan.body.model !== digest) throw new SecAggError('AGGREGATE_FORGED', `round ${round} had another head`);
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
      // Recomputed before, in an earlier process; one chunk of each now, so that nothing was put in its place.
      ({ head } = await this.#next(head, past.plan, past.aggregate, 0));
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

  async #next(
    before: Head,
    plan: CheckedPlan,
    { body }: Opened<'secagg-aggregate'>,
    recomputeBytes: number,
    own?: Witness,
  ) {
    const { channel, config } = this.ports;
    if (body.runId !== config.body.runId || body.round !== before.round + 1 || plan.body.model !== before.digest) {
      throw new SecAggError('WRONG_CONTEXT', 'this sum does not follow from the head that is known');
    }
    const bytes = await channel.readBlob(body.runId, body.sumDigest, 4 * plan.words);
    const sum = new Int32Array(bytes.buffer);
    const shown = await this.#shown(plan, body, own);
    const decoded = verifyAggregate(shown.witness, body, sum);
    const { figures } = decodeFigures(decoded.metrics, decoded.hospitals);
    const isLast = plan.body.parameters === 0;
    const model = isLast ? before.model : this.#step(before, decoded.mean);
    const digest = digestBlob(floatBytes(model)) as Digest;
    if (digest !== body.model) throw new SecAggError('AGGREGATE_FORGED', 'the head does not follow from the sum');
    const recomputed = await this.#recomputeIfKept(shown, body, sum, recomputeBytes);
    return { head: { round: body.round, digest, model }, figures, recomputed, isLast };
  }

  /** @throws {@link SecAggError} unless hospitals have signed all of it. */
  async #shown(plan: CheckedPlan, body: Sum, own?: Witness): Promise<Shown> {
    const text = await this.ports.channel.readBlob(body.runId, body.evidenceDigest, body.evidenceBytes);
    const evidence = evidenceSchema.safeParse(parseJson(text));
    if (!evidence.success) throw new SecAggError('AGGREGATE_FORGED', 'what hospitals have signed cannot be read');
    if (own !== undefined) requireSigned(own, evidence.data.vectors, openSigned);
    const witness = own ?? witnessOf(plan, body, evidence.data, openSigned);
    const vectors = evidence.data.vectors.map(({ x, envelope }) => ({
      x,
      blobDigest: parseUnverified('masked', envelope).body.blobDigest,
    }));
    return { witness, vectors };
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

  /**
   * Vectors go after a time. Of a sum whose vectors are gone, the hospitals of the next round have signed that they started
   * from the head that it led to; a coordinator that has no next round hides something.
   */
  async #recomputeIfKept(shown: Shown, body: Sum, sum: Int32Array, recomputeBytes: number): Promise<Recomputed> {
    try {
      return await this.#recompute(shown, body, sum, recomputeBytes);
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'BLOB_UNKNOWN')) throw error;
      await this.requireHead(body.round, body.model).catch((cause: unknown) => {
        if (!(cause instanceof Refused)) throw cause;
        throw new SecAggError('AGGREGATE_FORGED', 'the vectors of the newest sum are not shown');
      });
      return 'no';
    }
  }

  async #recompute(
    { witness, vectors }: Shown,
    body: Sum,
    sum: Int32Array,
    recomputeBytes: number,
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
    if (vectors.length * sum.byteLength > recomputeBytes) {
      const count = Math.max(1, Math.floor(recomputeBytes / (CHUNK_BYTES * vectors.length)));
      await this.#sample(recomputation, body, vectors, sum.byteLength, count);
      return 'sampled';
    }
    const whole = new Map<number, Uint32Array>();
    for (const { x, blobDigest } of vectors) {
      const vector = await channel.readBlob(body.runId, blobDigest, sum.byteLength);
      whole.set(x, new Uint32Array(vector.buffer));
    }
    recomputation.requireWhole((x) => whole.get(x) ?? null);
    return 'whole';
  }

  /** Chosen here, after the sum was announced; hospitals choose apart, so that together they see about every chunk. */
  async #sample(
    recomputation: Recomputation,
    { runId, leavesDigest, leavesBytes }: Sum,
    vectors: Shown['vectors'],
    sizeBytes: number,
    count: number,
  ): Promise<void> {
    const { channel } = this.ports;
    const requireChunk = recomputation.sampling(await channel.readBlob(runId, leavesDigest, leavesBytes));
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
    throw new ProtocolError('MESSAGE_INVALID', 'what belongs to a sum is no JSON');
  }
}
