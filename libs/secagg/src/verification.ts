/**
 * What a hospital checks before it believes an aggregate (SPEC section 7). The checksums catch faults; recomputing from the
 * signed vectors catches a coordinator that lies.
 */
import { equalBytes, toHex } from '@consilium/bytes';
import { addKeystreams, addWords, digestBlob, type MaskTerm } from '@consilium/crypto';
import { type Cohort, type Member, requireSession } from './cohort.js';
import { CHUNK_BYTES, recoveredDigest, vectorRoot, wordBytes } from './digests.js';
import { type DecodedSum, decodeSum } from './encoding.js';
import { SecAggError } from './errors.js';
import { type RecoveredSecret, remainingMasks } from './masks.js';
import { leafHash, rootOf, treeOver } from './merkle.js';
import type { Aggregate, Survivor } from './messages.js';
import { COORDINATOR } from './statements.js';
import { isCommitted, type RevealedSecret } from './unmasking.js';

/** Who dealt and what was agreed to: known to a hospital that was there, and shown by evidence to all others. */
export interface Witness {
  readonly cohort: Cohort;
  readonly dealt: readonly Member[];
  readonly survivors: readonly Survivor[];
}

/** The vector of one survivor, or null if the coordinator does not have it. */
export type VectorSource = (x: number) => Uint32Array | null;

/** One chunk of a survivor's vector, {@link CHUNK_BYTES} or what is left; null if the coordinator does not have it. */
export type ChunkSource = (x: number) => Uint8Array | null;

const CHUNK_WORDS = CHUNK_BYTES / 4;
const HASH_BYTES = 32;

function forged(why: string): never {
  throw new SecAggError('AGGREGATE_FORGED', why);
}

/**
 * Checks an aggregate against what this hospital agreed to, and reads it.
 *
 * @param aggregate - the coordinator's, its signature verified.
 * @param sum - Int32, shape (D,), hostile.
 * @throws {@link SecAggError} `WRONG_CONTEXT` (a replay), `SPLIT_VIEW`, `AGGREGATE_FORGED`, `SUM_CORRUPT`,
 * `SUM_OUT_OF_RANGE`.
 */
export function verifyAggregate(witness: Witness, aggregate: Aggregate, sum: Int32Array): DecodedSum {
  const { cohort, survivors } = witness;
  requireSession(cohort, COORDINATOR, aggregate);
  const same = aggregate.survivors.length === survivors.length;
  if (!same || survivors.some(({ x }, i) => aggregate.survivors[i] !== x)) {
    throw new SecAggError('SPLIT_VIEW', 'the aggregate is of other hospitals than agreed');
  }
  if (digestBlob(wordBytes(sum)) !== aggregate.sumDigest) forged('the sum is not the one that was announced');
  return decodeSum(cohort.plan, cohort.sessionId, sum, survivors.length);
}

/** The committed secrets in the order in which an aggregate has them, or a refusal. */
function requireRecovered(witness: Witness, aggregate: Aggregate, revealed: readonly RevealedSecret[]): MaskTerm[] {
  const { cohort, dealt, survivors } = witness;
  const xs = new Set(survivors.map(({ x }) => x));
  const [alive, dropped] = [dealt.filter(({ x }) => xs.has(x)), dealt.filter(({ x }) => !xs.has(x))];
  const owners = [...alive, ...dropped];
  if (owners.length !== revealed.length || owners.length !== aggregate.recovered.length) {
    forged('a recovered secret is missing');
  }
  const recovered = owners.map((member, i): RecoveredSecret => {
    const type = i < alive.length ? 'self-seed' : 'mask-key';
    const [announced, { secret }] = [aggregate.recovered[i], revealed[i] as RevealedSecret];
    const digest = recoveredDigest(cohort.sessionId, type, member.x, secret);
    const matches = announced?.x === member.x && announced.type === type && announced.digest === digest;
    if (!matches || !isCommitted(cohort.plan, { member, type, secret })) {
      forged('a recovered secret is not the one committed to');
    }
    return { member, type, secret };
  });
  return remainingMasks(cohort, alive, recovered);
}

/**
 * Recomputes a sum from the vectors that the survivors signed. Needs no secret of this hospital.
 *
 * The whole where `survivors * words * 4` bytes can be read; else some chunks, chosen at random after the aggregate came.
 */
export class Recomputation {
  readonly #witness: Witness;
  readonly #sum: Int32Array;
  readonly #masks: readonly MaskTerm[];

  /**
   * @param sum - already through {@link verifyAggregate}.
   * @param revealed - what the coordinator recovered, hostile.
   * @throws {@link SecAggError} `AGGREGATE_FORGED` if a secret is not the one that its owner committed to.
   */
  constructor(witness: Witness, aggregate: Aggregate, sum: Int32Array, revealed: readonly RevealedSecret[]) {
    this.#witness = witness;
    this.#sum = sum;
    this.#masks = requireRecovered(witness, aggregate, revealed);
  }

  get chunks(): number {
    return Math.ceil(this.#sum.length / CHUNK_WORDS);
  }

  /**
   * @param vectorOf - hostile, read one at a time.
   * @throws {@link SecAggError} `AGGREGATE_FORGED`.
   */
  requireWhole(vectorOf: VectorSource): void {
    this.#requireEqual(0, this.#sum, ({ x, yRoot }) => {
      const vector = vectorOf(x);
      if (vector?.length !== this.#sum.length || vectorRoot(vector) !== yRoot) forged('a vector is not as agreed');
      return vector;
    });
  }

  /**
   * @param leaves - {@link MaskedSum.leaves}, hostile: checked against what the survivors signed.
   * @returns What checks one chunk of the sum against the same chunk of every vector, hostile. It throws
   * {@link SecAggError} `AGGREGATE_FORGED`, and RangeError for a chunk that no vector has.
   * @throws {@link SecAggError} `AGGREGATE_FORGED`.
   */
  sampling(leaves: Uint8Array): (chunk: number, chunkOf: ChunkSource) => void {
    const { survivors } = this.#witness;
    const { chunks } = this;
    if (leaves.length !== HASH_BYTES * chunks * survivors.length) forged('the hashes of the chunks are not complete');
    const hash = (at: number): Uint8Array => leaves.subarray(HASH_BYTES * at, HASH_BYTES * (at + 1));
    const hashes = new Map(
      survivors.map(({ x, yRoot }, i) => {
        const own = Array.from({ length: chunks }, (_, chunk) => hash(i * chunks + chunk));
        if (toHex(rootOf(treeOver(own))) !== yRoot) forged('the hashes of the chunks are not those of what was agreed');
        return [x, own];
      }),
    );
    return (chunk, chunkOf) => {
      if (!Number.isInteger(chunk) || chunk < 0 || chunk >= chunks) throw new RangeError('no vector has this chunk');
      const part = this.#sum.subarray(chunk * CHUNK_WORDS, (chunk + 1) * CHUNK_WORDS);
      this.#requireEqual(chunk * CHUNK_WORDS, part, ({ x }) => {
        const bytes = chunkOf(x);
        const agreed = hashes.get(x)?.[chunk];
        if (!bytes || !agreed || bytes.length !== part.byteLength || !equalBytes(leafHash(bytes), agreed)) {
          forged('a chunk is not as agreed');
        }
        return new Uint32Array(Uint8Array.from(bytes).buffer);
      });
    };
  }

  #requireEqual(startWord: number, part: Int32Array, termOf: (survivor: Survivor) => Uint32Array): void {
    const total = new Uint32Array(part.length);
    for (const survivor of this.#witness.survivors) addWords(total, termOf(survivor));
    addKeystreams(total, this.#masks, startWord);
    if (!part.every((value, k) => value === ((total[k] as number) | 0))) forged('the sum is another one');
  }
}
