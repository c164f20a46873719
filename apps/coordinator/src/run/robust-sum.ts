/**
 * Sealed updates -> a robust mean. Nothing is opened before the round has closed over the signed statements, whose digests of
 * the sealed bytes commit the hospitals. Updates are opened as streams, anew in each pass: never a whole one in memory.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fewestUpdates, robustMean, type RobustRule, type StoredUpdates } from '@consilium/aggregation';
import { BlobDigest, SealedOpener } from '@consilium/crypto';
import { decimal, ProtocolError, type ExcludedUpdate, type RobustTerms, type RunConfig } from '@consilium/protocol';
import type { ReceivedUpdate } from '@consilium/rounds';
import { StoreError, type BlobStore } from '@consilium/store';
import { SealedCheck } from './sealed-check.js';
import { floatsOf, updateName, type RoundContext } from './sealed-sum.js';
import { blobPieces } from './stored-blob.js';

/** A median answers for one of three, whatever the number of updates. */
export const robustRuleOf = (terms: RobustTerms): RobustRule =>
  terms.rule === 'median' ? { rule: 'median', faulty: 1 } : terms;

/** Of all updates together in one block: 4 MiB, so that the event loop turns often enough for heartbeats. */
const HELD_VALUES = 2 ** 20;
/** All updates are read side by side, and each has two pieces in memory. */
const PIECE_BYTES = 65_536;
/** What `decimal` can say. */
const LARGEST = 999_999_999_999_999;

export interface SealedRound {
  readonly blobs: BlobStore;
  readonly roundSecretKey: Uint8Array;
  readonly context: RoundContext;
  readonly config: Pick<RunConfig, 'parameters' | 'clipNorm' | 'minHospitals'> & { readonly aggregation: RobustTerms };
}

export interface RobustSum {
  /** float64, shape (d,); undefined: of the updates fewer are sound than the rule or the run asks for. */
  readonly mean: Float64Array | undefined;
  /** Of the updates that are in the mean. */
  readonly totalExamples: number;
  /** In the order of the updates. */
  readonly exclusions: readonly ExcludedUpdate[];
}

/**
 * @param updates - those that the round has closed over, in hospital order: a tie is broken by it.
 * @throws {@link StoreError} `STORE_CORRUPT` where the store has changed an update: that is no hospital's fault.
 */
export async function robustSum(round: SealedRound, updates: readonly ReceivedUpdate[]): Promise<RobustSum> {
  const { aggregation, minHospitals } = round.config;
  const rule = robustRuleOf(aggregation);
  const excluded = new Map<ReceivedUpdate, ExcludedUpdate>();
  for (const update of updates) {
    const exclusion = await unsound(round, update);
    if (exclusion !== undefined) excluded.set(update, exclusion);
  }
  const sound = updates.filter((update) => !excluded.has(update));
  const inOrder = (): ExcludedUpdate[] => updates.flatMap((update) => excluded.get(update) ?? []);
  if (sound.length < Math.max(fewestUpdates(rule), minHospitals)) {
    return { mean: undefined, totalExamples: 0, exclusions: inOrder() };
  }
  const streams = sound.map((update) => new OpenedUpdate(round, update));
  const stored: StoredUpdates = {
    count: sound.length,
    parameters: round.config.parameters,
    readBlock: (i, from, to) => (streams[i] as OpenedUpdate).read(from, to),
  };
  try {
    const { mean, exclusions } = await robustMean(rule, stored, { heldValues: HELD_VALUES });
    for (const { update, statistic, value, bound } of exclusions) {
      const received = sound[update] as ReceivedUpdate;
      excluded.set(received, exclusionOf(received, 'FAR_FROM_OTHERS', { statistic, value, bound }));
    }
    const used = sound.filter((update) => !excluded.has(update));
    return { mean, totalExamples: used.reduce((sum, { examples }) => sum + examples, 0), exclusions: inOrder() };
  } finally {
    for (const stream of streams) await stream.close();
  }
}

/** @returns Why it can have no part, by itself; undefined if it may. */
async function unsound(
  { blobs, roundSecretKey, context, config }: SealedRound,
  update: ReceivedUpdate,
): Promise<ExcludedUpdate | undefined> {
  const { hospitalId, blobBytes, blobDigest } = update;
  const check = new SealedCheck(blobBytes, roundSecretKey, { ...context, hospitalId }, config);
  const digest = new BlobDigest();
  try {
    for await (const piece of blobPieces(blobs, context.runId, updateName(context, update))) {
      digest.update(piece);
      check.push(piece);
      await nextTurn();
    }
    if (digest.finish() !== blobDigest) throw new StoreError('STORE_CORRUPT', 'an update is not the one that came');
    check.end();
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    switch (error.code) {
      case 'SEAL_INVALID':
      case 'UPDATE_NOT_FINITE':
        return exclusionOf(update, error.code);
      case 'UPDATE_NOT_CLIPPED':
        return exclusionOf(update, error.code, { statistic: 'l2-norm', value: check.norm, bound: check.maxNorm });
      default:
        throw error;
    }
  } finally {
    check.close();
  }
}

interface Measured {
  readonly statistic: 'l2-norm' | 'krum-score';
  readonly value: number;
  readonly bound: number;
}

function exclusionOf(
  { hospitalId, blobDigest }: ReceivedUpdate,
  reason: ExcludedUpdate['reason'],
  measured?: Measured,
): ExcludedUpdate {
  const written = (value: number): string => decimal(Math.min(value, LARGEST), 9);
  return {
    ...{ hospitalId, blobDigest, reason },
    measured:
      measured === undefined
        ? null
        : { statistic: measured.statistic, value: written(measured.value), bound: written(measured.bound) },
  };
}

/** The coordinates of one update from the first to the last, and from the first again when they are asked for again. */
class OpenedUpdate {
  #chunks: AsyncGenerator<Float32Array, void> | undefined;
  #chunk: Float32Array = new Float32Array(0);

  constructor(
    private readonly round: SealedRound,
    private readonly update: ReceivedUpdate,
  ) {}

  /** @param from - 0, or where the read before ended. @returns float32, shape (to - from,). */
  async read(from: number, to: number): Promise<Float32Array> {
    if (from === 0) {
      await this.close();
      this.#chunks = opened(this.round, this.update);
    }
    const block = new Float32Array(to - from);
    for (let filled = 0; filled < block.length;) {
      if (this.#chunk.length === 0) {
        const next = await this.#chunks?.next();
        if (next === undefined || next.done === true) throw new StoreError('STORE_CORRUPT', 'an update is cut off');
        this.#chunk = next.value;
      }
      const part = this.#chunk.subarray(0, block.length - filled);
      block.set(part, filled);
      filled += part.length;
      this.#chunk = this.#chunk.subarray(part.length);
    }
    return block;
  }

  async close(): Promise<void> {
    await this.#chunks?.return();
    this.#chunks = undefined;
    this.#chunk = new Float32Array(0);
  }
}

async function* opened(
  { blobs, roundSecretKey, context }: SealedRound,
  update: ReceivedUpdate,
): AsyncGenerator<Float32Array, void> {
  const { hospitalId, blobBytes } = update;
  const opener = new SealedOpener(blobBytes, roundSecretKey, { ...context, hospitalId });
  try {
    for await (const piece of blobPieces(blobs, context.runId, updateName(context, update), PIECE_BYTES)) {
      for (const chunk of opener.push(piece)) yield floatsOf(chunk);
      await nextTurn();
    }
    opener.end();
  } finally {
    opener.close();
  }
}
