/** Updates that lie elsewhere (a store, a decrypted file), read side by side in blocks: n vectors are never held at once. */
import { AggregationError } from './errors.js';

export interface StoredUpdates {
  /** n. */
  readonly count: number;
  /** d, of each. */
  readonly parameters: number;
  /**
   * Coordinates `from` to `to - 1` of an update, float32, dimensionless. The same bytes whenever it is asked for them.
   *
   * @param update - 0 to `count - 1`. The caller numbers by hospital id, so that an auditor numbers alike.
   */
  readonly readBlock: (update: number, from: number, to: number) => Promise<Float32Array>;
}

/** What is held of all updates together: 16 MiB. */
const HELD_VALUES = 2 ** 22;

export interface Block {
  readonly from: number;
  readonly to: number;
  /** One part for each of the updates asked for, in their order, shape (to - from,). */
  readonly parts: readonly Float32Array[];
}

async function readChecked(updates: StoredUpdates, update: number, from: number, to: number): Promise<Float32Array> {
  const part = await updates.readBlock(update, from, to);
  if (part.length !== to - from) {
    throw new AggregationError('WRONG_LENGTH', `expected ${to - from} coordinates of update ${update}`);
  }
  const bad = part.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new AggregationError('NOT_FINITE', `coordinate ${from + bad} of update ${update} is not a finite number`);
  }
  return part;
}

/**
 * @param members - numbers of the updates to read.
 * @param heldValues - how many float32 values may be held at once.
 * @throws {@link AggregationError} `WRONG_LENGTH`, `NOT_FINITE`; and what `readBlock` rejects with.
 */
export async function* blocksOf(
  updates: StoredUpdates,
  members: readonly number[],
  heldValues = HELD_VALUES,
): AsyncGenerator<Block, void> {
  const size = Math.max(1, Math.floor(heldValues / members.length));
  for (let from = 0; from < updates.parameters; from += size) {
    const to = Math.min(from + size, updates.parameters);
    const parts: Float32Array[] = [];
    for (const member of members) parts.push(await readChecked(updates, member, from, to));
    yield { from, to, parts };
  }
}
