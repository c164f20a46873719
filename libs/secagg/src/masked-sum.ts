/** The running sum of masked vectors: each is checked whole, added and forgotten, so that one is held and never n. */
import { concatBytes, toHex } from '@consilium/bytes';
import { addWords } from '@consilium/crypto';
import { type DealtCohort, type Member, requireSession } from './cohort.js';
import { vectorTree } from './digests.js';
import { SecAggError } from './errors.js';
import { rootOf } from './merkle.js';
import type { Masked, Survivor } from './messages.js';

export class MaskedSum {
  readonly #cohort: DealtCohort;
  readonly #words: Uint32Array;
  readonly #roots = new Map<number, string>();
  readonly #checked = new WeakMap<Uint32Array, Uint8Array>();
  readonly #leaves = new Map<number, Uint8Array>();
  #closed = false;

  constructor(cohort: DealtCohort) {
    this.#cohort = cohort;
    this.#words = new Uint32Array(cohort.plan.words);
  }

  /** The masked sum, u32, shape (D,): as unreadable as its parts. Unmasking changes it in place. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** Whether this hospital's vector is in the sum. */
  has(x: number): boolean {
    return this.#roots.has(x);
  }

  /**
   * Checks a vector that is going to be added once it counts.
   *
   * @param masked - signed by the hospital.
   * @param vector - what it uploaded, u32, hostile. Not modified, not kept.
   * @throws {@link SecAggError} `WRONG_CONTEXT`, also for a vector after {@link close}; `ALREADY_SAID` for a second one;
   * `SPLIT_VIEW` if its masks are for other hospitals; `BAD_UPLOAD`. The sum is then as it was.
   */
  check(masked: Masked, vector: Uint32Array): void {
    const sender = this.#sender(masked);
    if (masked.u2Digest !== this.#cohort.u2Digest) {
      throw new SecAggError('SPLIT_VIEW', `${sender.hospitalId} masked for other hospitals`, sender.hospitalId);
    }
    const words = this.#words.length;
    if (masked.words !== words || vector.length !== words) {
      throw new SecAggError('BAD_UPLOAD', `expected ${words} words`);
    }
    const tree = vectorTree(vector);
    if (toHex(rootOf(tree)) !== masked.yRoot) throw new SecAggError('BAD_UPLOAD', 'the vector is not the one signed');
    this.#checked.set(vector, concatBytes(...(tree[0] ?? [])));
  }

  /** As {@link check}, which is not repeated for the same vector; then adds it. */
  add(masked: Masked, vector: Uint32Array): void {
    const sender = this.#sender(masked);
    if (!this.#checked.has(vector)) this.check(masked, vector);
    addWords(this.#words, vector);
    this.#leaves.set(sender.x, this.#checked.get(vector) as Uint8Array);
    this.#roots.set(sender.x, masked.yRoot);
  }

  /** Ends the uploads. @returns Who is in the sum, in ascending x. */
  close(): Survivor[] {
    this.#closed = true;
    return [...this.#roots].map(([x, yRoot]) => ({ x, yRoot })).sort((a, b) => a.x - b.x);
  }

  /** Hashes of the chunks of every vector in the sum, 32 bytes each, in ascending x: what {@link Recomputation} samples by. */
  get leaves(): Uint8Array {
    const inOrder = [...this.#leaves].sort(([a], [b]) => a - b);
    return concatBytes(...inOrder.map(([, leaves]) => leaves));
  }

  #sender(masked: Masked): Member {
    const sender = this.#cohort.dealt.find(({ hospitalId }) => hospitalId === masked.from);
    if (!sender || this.#closed) throw new SecAggError('WRONG_CONTEXT', 'no vector of this hospital is due');
    requireSession(this.#cohort, sender.hospitalId, masked);
    if (this.#roots.has(sender.x)) throw new SecAggError('ALREADY_SAID', 'this hospital is in the sum');
    return sender;
  }
}
