/**
 * Claims: (1) roots of the eight classic leaves; (2) each path of each tree up to 70 leaves leads to its root, and no other
 * leaf, place, length or bit does. Oracle: the roots of RFC 6962 test logs (as in certificate-transparency and privacy.md
 * C.1), and the recursive definition of RFC 6962 section 2.1 written out here.
 */
import { concatBytes, fromHex, toHex } from '@consilium/bytes';
import { sha256Of } from '@consilium/crypto';
import { expect, it } from 'vitest';
import { auditPath, merkleTree, rootFromPath, rootOf } from './merkle.js';

const classic = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(fromHex);

function definition(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (leaves.length === 1 && only) return sha256Of(concatBytes(Uint8Array.of(0), only));
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return sha256Of(Uint8Array.of(1), definition(leaves.slice(0, split)), definition(leaves.slice(split)));
}

it('has the roots of the classic leaves', () => {
  expect(toHex(rootOf(merkleTree(classic)))).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  expect(toHex(rootOf(merkleTree(classic.slice(0, 1))))).toMatch(/^6e340b9c.*1d$/);
  for (let n = 1; n <= 8; n++) {
    expect(toHex(rootOf(merkleTree(classic.slice(0, n))))).toBe(toHex(definition(classic.slice(0, n))));
  }
});

it('leads from every leaf to the root, and from nothing else', () => {
  for (const n of [1, 2, 3, 5, 7, 8, 13, 64, 65, 70]) {
    const leaves = Array.from({ length: n }, (_, i) => Uint8Array.of(i));
    const tree = merkleTree(leaves);
    const root = toHex(definition(leaves));
    leaves.forEach((leaf, i) => {
      const path = auditPath(tree, i);
      const lead = (bytes: Uint8Array, place: number, size: number, proof: readonly Uint8Array[]): string => {
        const found = rootFromPath(bytes, place, size, proof);
        return found === null ? '' : toHex(found);
      };
      expect(lead(leaf, i, n, path)).toBe(root);
      expect(lead(Uint8Array.of(i, 0), i, n, path)).not.toBe(root);
      expect(lead(leaf, i, n, [...path, leaf])).toBe('');
      if (n === 1) return;
      expect(lead(leaf, i, n, path.slice(1))).not.toBe(root);
      expect(lead(leaf, (i + 1) % n, n, path)).not.toBe(root);
      expect(
        lead(
          leaf,
          i,
          n,
          path.map((hash, at) => (at === 0 ? hash.with(0, (hash[0] ?? 0) ^ 1) : hash)),
        ),
      ).not.toBe(root);
    });
  }
});

it('has no root without leaves', () => {
  expect(() => rootOf(merkleTree([]))).toThrow(RangeError);
});
