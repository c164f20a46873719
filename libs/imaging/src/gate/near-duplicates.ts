/**
 * Groups of pictures that are one picture, stored twice. Comparing every pair would take minutes for ten thousand films, so
 * only those are compared that fall into one bucket of a locality-sensitive hash (Charikar, STOC 2002,
 * doi:10.1145/509907.509965): the signs of random projections, here of a randomised Hadamard transform.
 */
import { SeededRandom } from '@consilium/tensors';
import { alike, mirrorImage } from './fingerprint.js';

/**
 * Correlations from which two pictures are one. Stored again as JPEG of quality 20, at half the size or with another
 * gamma, a film correlates with itself by 0.99 or more; two of 1,237 patients by 0.89 at most, and two phantoms, which are
 * more alike than people, by 0.95. A turned-over copy has more in its way, and turned-over strangers are less alike.
 */
const SAME = 0.97;
const SAME_MIRRORED = 0.93;
/** Two films of one patient taken one after the other are not duplicates, and never fall on both sides of a split. */
const SAME_OF_ONE_PATIENT = 0.996;

const LENGTH = 1024;
/** Of 20 signs each. Two pictures that correlate by 0.93 share no bucket in 2 % of cases, by 0.97 in 1 of 50,000. */
const BANDS = 50;
const BAND_BITS = 20;

const signs = ((): Float32Array => {
  const random = new SeededRandom('consilium/near-duplicates/1');
  return Float32Array.from({ length: LENGTH }, () => (random.uniform() < 0.5 ? -1 : 1));
})();

/** The keys of the buckets of one fingerprint. */
function bucketsOf(print: Float32Array): Uint32Array {
  const values = print.map((value, k) => value * (signs[k] as number));
  for (let step = 1; step < LENGTH; step *= 2) {
    for (let start = 0; start < LENGTH; start += 2 * step) {
      for (let k = start; k < start + step; k++) {
        const [a, b] = [values[k] as number, values[k + step] as number];
        values[k] = a + b;
        values[k + step] = a - b;
      }
    }
  }
  return Uint32Array.from({ length: BANDS }, (_, band) => {
    let key = 0;
    for (let bit = 0; bit < BAND_BITS; bit++)
      key = 2 * key + ((values[1 + band * BAND_BITS + bit] as number) > 0 ? 1 : 0);
    return key;
  });
}

/** Which members are connected, directly or through others. */
class Groups {
  readonly #parent: Uint32Array;

  constructor(size: number) {
    this.#parent = Uint32Array.from({ length: size }, (_, k) => k);
  }

  /** The smallest member of the group. */
  first(member: number): number {
    let at = member;
    for (let up = this.#parent[at] as number; up !== at; up = this.#parent[at] as number) {
      this.#parent[at] = this.#parent[up] as number;
      at = up;
    }
    return at;
  }

  join(a: number, b: number): void {
    const [first, other] = [this.first(a), this.first(b)];
    this.#parent[Math.max(first, other)] = Math.min(first, other);
  }
}

export interface Picture {
  /** Opened, shape (1024,). */
  readonly print: Float32Array;
  readonly patient: string;
}

/**
 * @returns for each picture the position of the first one of its group: its own where it is the first, or alone. Mirror
 * images of each other are one.
 */
export function firstAlike(pictures: readonly Picture[]): Uint32Array {
  const groups = new Groups(pictures.length);
  const tables = Array.from({ length: BANDS }, () => new Map<number, number[]>());
  const comparedFor = new Uint32Array(pictures.length);
  for (const [i, { print, patient }] of pictures.entries()) {
    const plain = bucketsOf(print);
    const compare = (shown: Float32Array, buckets: Uint32Array, stamp: number, isMirrored: boolean): void => {
      for (const [band, key] of buckets.entries()) {
        for (const j of tables[band]?.get(key) ?? []) {
          if (comparedFor[j] === stamp) continue;
          comparedFor[j] = stamp;
          const other = pictures[j] as Picture;
          const same = isMirrored ? SAME_MIRRORED : other.patient === patient ? SAME_OF_ONE_PATIENT : SAME;
          if (alike(shown, other.print) >= same) groups.join(i, j);
        }
      }
    };
    compare(print, plain, 2 * i + 1, false);
    const turnedOver = mirrorImage(print);
    compare(turnedOver, bucketsOf(turnedOver), 2 * i + 2, true);
    for (const [band, key] of plain.entries()) {
      const table = tables[band] as Map<number, number[]>;
      const bucket = table.get(key);
      if (bucket === undefined) table.set(key, [i]);
      else bucket.push(i);
    }
  }
  return Uint32Array.from(pictures, (_, i) => groups.first(i));
}
