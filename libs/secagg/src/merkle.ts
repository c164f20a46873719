/** Merkle trees of RFC 6962 section 2.1: roots, audit paths and their check (RFC 9162 section 2.1.3). */
import { sha256Of } from '@consilium/crypto';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (leaf: Uint8Array): Uint8Array => sha256Of(LEAF, leaf);
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256Of(NODE, left, right);

/** Hashes of a tree, from its leaves (level 0) up to its root; a last node without a partner moves up as it is. */
export type Tree = readonly (readonly Uint8Array[])[];

/** @param leaves - at least one. */
export const merkleTree = (leaves: Iterable<Uint8Array>): Tree => treeOver(Array.from(leaves, leafHash));

/** @param hashes - of the leaves, at least one. */
export function treeOver(hashes: readonly Uint8Array[]): Tree {
  const levels = [hashes];
  for (let level = hashes; level.length > 1; levels.push(level)) {
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, i) => {
      const [left, right] = [below[2 * i] as Uint8Array, below[2 * i + 1]];
      return right === undefined ? left : nodeHash(left, right);
    });
  }
  return levels;
}

export function rootOf(tree: Tree): Uint8Array {
  const root = tree.at(-1)?.[0];
  if (root === undefined) throw new RangeError('a tree has at least one leaf');
  return root;
}

/** The siblings on the way from a leaf to the root, from below: of the hashes of a {@link Tree} in whatever form. */
export function auditPath<Hash>(tree: readonly (readonly Hash[])[], index: number): Hash[] {
  return tree.map((level, height) => level[(index >> height) ^ 1]).filter((hash) => hash !== undefined);
}

/**
 * The root that a leaf and its path lead to; null if the path has not the length that this leaf has.
 *
 * @param path - hostile.
 * @param size - leaves of the tree, known to the caller.
 */
export function rootFromPath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | null {
  let [hash, at, used] = [leafHash(leaf), index, 0];
  for (let width = size; width > 1; width = Math.ceil(width / 2), at >>= 1) {
    if (at === width - 1 && at % 2 === 0) continue; // without a partner on this level
    const sibling = path[used++];
    if (sibling === undefined) return null;
    hash = at % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
  }
  return used === path.length ? hash : null;
}
