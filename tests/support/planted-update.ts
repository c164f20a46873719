/** An update as the bytes that it may be found as: neighbouring coordinates, so that each needle is 64 bits. */

/** What the weights and the grid of a run make of it (libs/secagg/SPEC.md, section 2). */
export interface Grid {
  readonly examples: number;
  readonly weightCap: number;
  readonly clipNorm: number;
  readonly zMax: number;
}

export function floatPairs(update: Float32Array): Buffer[] {
  const bytes = Buffer.from(update.buffer, update.byteOffset, update.byteLength);
  return Array.from({ length: update.length - 1 }, (_, i) => bytes.subarray(4 * i, 4 * i + 8));
}

/** Neighbouring coordinates as they are before the masks, rounded down and up. */
export function ringPairs(update: Float32Array, { examples, weightCap, clipNorm, zMax }: Grid): Buffer[] {
  const scale = ((examples / weightCap) * (zMax - 1)) / (clipNorm * (1 + 1e-6));
  const floors = Array.from(update, (value) => Math.floor(value * scale));
  return floors.slice(1).flatMap((second, i) =>
    [0, 1, 2, 3].map((ups) => {
      const pair = Buffer.alloc(8);
      pair.writeInt32LE((floors[i] ?? 0) + (ups & 1), 0);
      pair.writeInt32LE(second + (ups >> 1), 4);
      return pair;
    }),
  );
}
