/**
 * Claims: (1) a masked vector is uniform on the ring and has no correlation with what it hides (2, D8 of privacy.md); (2) two
 * hospitals' masks of one pair cancel, and no key of the session serves twice; (3) two attempts of one update look
 * unrelated; (4) no randomness of a round is other than the system's CSPRNG (1 of privacy.md). Oracles: chi-square and correlation bounds, each with its false-alarm rate beside it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { toHex } from '@consilium/bytes';
import { expect, it, vi } from 'vitest';
import { ownMasks } from './masks.js';
import { actors, at, Rehearsal } from './rehearsal.js';

const PARAMETERS = 100_000;

function masked(): { round: Rehearsal; vector: Uint32Array } {
  const all = actors(3);
  const round = new Rehearsal(all, { parameters: PARAMETERS });
  round.toSum();
  return { round, vector: round.vectors.get(2) as Uint32Array };
}

/** 255 degrees of freedom: above 410 by chance less than once in 10^9 runs. */
function requireUniformBytes(words: Uint32Array, shift: number): void {
  const seen = new Float64Array(256);
  for (const word of words) seen[(word >>> shift) & 255] = (seen[(word >>> shift) & 255] ?? 0) + 1;
  const expected = words.length / 256;
  expect(seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(410);
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const mean = (list: ArrayLike<number>): number =>
    Array.from(list).reduce((sum, value) => sum + value, 0) / list.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let k = 0; k < a.length; k++) {
    const [da, db] = [(a[k] as number) - ma, (b[k] as number) - mb];
    [ab, aa, bb] = [ab + da * db, aa + da * da, bb + db * db];
  }
  return ab / Math.sqrt(aa * bb);
}

it('2. a masked vector is uniform in each of its bytes', () => {
  const { vector } = masked();
  for (const shift of [0, 8, 16, 24]) requireUniformBytes(vector, shift);
});

it('a masked vector does not correlate with its update, nor with another attempt of it', () => {
  const [one, other] = [masked(), masked()];
  const { update } = one.round.contributionOf(at(one.round.all, 2));
  const coordinates = one.vector.subarray(2, 2 + PARAMETERS);
  // Standard error 1 / sqrt(d); 6.2 of them by chance less than once in 10^9 runs.
  const bound = 6.2 / Math.sqrt(PARAMETERS);
  expect(Math.abs(correlation(coordinates, update))).toBeLessThan(bound);
  expect(Math.abs(correlation(coordinates, other.vector.subarray(2, 2 + PARAMETERS)))).toBeLessThan(bound);
});

it('each pair has one key, added at one end and subtracted at the other, and no key serves twice', () => {
  const all = actors(6);
  const round = new Rehearsal(all);
  const roster = round.roster(round.adverts());
  for (const actor of all) round.share(actor, roster);
  const { members } = round.cohort;
  const uses = new Map<string, number[]>();
  all.forEach(({ dealt }) => {
    for (const { key, sign } of ownMasks(dealt.cohort, members, dealt.self, dealt.keys)) {
      uses.set(toHex(key), [...(uses.get(toHex(key)) ?? []), sign]);
    }
  });
  const kinds = [...uses.values()].map((signs) => signs.sort((a, b) => a - b).join());
  expect(kinds.filter((kind) => kind === '-1,1')).toHaveLength((6 * 5) / 2);
  expect(kinds.filter((kind) => kind === '1')).toHaveLength(6);
  expect(kinds).toHaveLength(15 + 6);
});

it('1. a round is led to its end without Math.random, which no source of this library or of libs/crypto names', () => {
  const trap = vi.spyOn(Math, 'random').mockImplementation(() => {
    throw new Error('Math.random');
  });
  try {
    const { keep } = new Rehearsal(actors(4)).lead({ masked: [2] });
    expect(keep.decoded.hospitals).toBe(3);
    expect(trap).not.toHaveBeenCalled();
  } finally {
    trap.mockRestore();
  }
  const folders = [new URL('./', import.meta.url), new URL('../../crypto/src/', import.meta.url)];
  const sources = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') })),
  );
  expect(sources.length).toBeGreaterThan(30);
  expect(sources.filter(({ text }) => /Math\.random|SeededRandom|seedrandom/.test(text))).toEqual([]);
});
