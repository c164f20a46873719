/**
 * What a picture is recognised by after it was stored again: another format, size, quality or window. 32 x 32 greys less
 * their surroundings, so that what all chests share counts less than what one has. A tiny picture of a patient all the
 * same: it stays where the picture is.
 */
import { cellMeans, GRID_SIDE, mirrored } from './grid.js';

/** Cells around a cell that make its surroundings, to each side. */
const REACH = 3;
/** Greys of a cell, in standard deviations: what is kept is within +-4, in steps of 1/31. */
const SCALE = 31;

/** @param pixels - shape (side, side), [0, 1]. @returns base64 of 1,024 signed bytes. */
export function fingerprint(pixels: Float32Array, side: number): string {
  const grid = cellMeans(pixels, side, { x0: 0, y0: 0, x1: side, y1: side }, GRID_SIDE);
  const detail = grid.map((grey, k) => grey - surroundings(grid, k % GRID_SIDE, Math.floor(k / GRID_SIDE)));
  const deviation = Math.sqrt(detail.reduce((sum, value) => sum + value * value, 0) / detail.length);
  const bytes = Int8Array.from(detail, (value) =>
    deviation < 1e-6 ? 0 : Math.round(Math.min(4, Math.max(-4, value / deviation)) * SCALE),
  );
  return Buffer.from(bytes.buffer).toString('base64');
}

function surroundings(grid: Float32Array, x: number, y: number): number {
  let [sum, count] = [0, 0];
  for (let v = Math.max(0, y - REACH); v <= Math.min(GRID_SIDE - 1, y + REACH); v++) {
    for (let u = Math.max(0, x - REACH); u <= Math.min(GRID_SIDE - 1, x + REACH); u++) {
      sum += grid[v * GRID_SIDE + u] ?? 0;
      count += 1;
    }
  }
  return sum / count;
}

/**
 * @param text - from a file of the hospital's cache, so not trusted.
 * @returns shape (1024,), unit length; undefined for what is not the fingerprint of a picture.
 */
export function openFingerprint(text: string): Float32Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== GRID_SIDE * GRID_SIDE) return undefined;
  const values = Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  const length = Math.hypot(...values);
  return length === 0 ? undefined : values.map((value) => value / length);
}

/** Of the same picture turned over. */
export const mirrorImage = (print: Float32Array): Float32Array => mirrored(print, GRID_SIDE);

/** Correlation of two opened fingerprints, [-1, 1]. */
export function alike(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number);
  return sum;
}
