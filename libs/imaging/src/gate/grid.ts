/** Small square pictures: what the gate looks at. Row by row from the top left, bright for dense tissue, [0, 1]. */

export const GRID_SIDE = 32;

/** A rectangle of pixels: [x0, x1) by [y0, y1). */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/**
 * Means over `side` x `side` equal cells of a box; fractions of pixels count as such.
 *
 * @param pixels - shape (width, width). @returns shape (side, side).
 */
export function cellMeans(pixels: Float32Array, width: number, box: Box, side: number): Float32Array {
  const across = along(pixels, width, box.x0, box.x1, side);
  return transposed(along(transposed(across, side, width), width, box.y0, box.y1, side), side, side);
}

/** @param pixels - rows of `width`. @returns rows of `side`. */
function along(pixels: Float32Array, width: number, from: number, to: number, side: number): Float32Array {
  const rows = pixels.length / width;
  const step = (to - from) / side;
  const out = new Float32Array(rows * side);
  for (let cell = 0; cell < side; cell++) {
    const start = from + cell * step;
    const end = start + step;
    const last = Math.min(width, Math.ceil(end));
    for (let x = Math.floor(start); x < last; x++) {
      const share = (Math.min(end, x + 1) - Math.max(start, x)) / step;
      for (let at = x, to = cell; to < out.length; at += width, to += side) {
        out[to] = (out[to] as number) + share * (pixels[at] as number);
      }
    }
  }
  return out;
}

/** Loops by index, here and in what else every film goes through: iterators cost several times as much. */
function transposed(grid: Float32Array, columns: number, rows: number): Float32Array {
  const out = new Float32Array(grid.length);
  let to = 0;
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) out[to++] = grid[row * columns + column] as number;
  }
  return out;
}

export const mirrored = (grid: Float32Array, side: number): Float32Array =>
  Float32Array.from(grid, (_, k) => grid[k - (k % side) + side - 1 - (k % side)] ?? 0);

/** A quarter turn clockwise. */
export const turned = (grid: Float32Array, side: number): Float32Array =>
  Float32Array.from(grid, (_, k) => grid[(side - 1 - (k % side)) * side + Math.floor(k / side)] ?? 0);

/** Darker than this after windowing is air outside the body, or a mask. */
const AIR = 0.12;
/** Of a line of pixels: with less tissue it is a margin, even with a letter in it. */
const TISSUE_SHARE = 0.25;
const COARSE = 56;

/**
 * The box that holds the body: black margins say how a film was cropped, not what is on it.
 *
 * @param pixels - shape (width, width). @returns the whole picture where hardly any body is found.
 */
export function bodyBox(pixels: Float32Array, width: number): Box {
  const coarse = cellMeans(pixels, width, { x0: 0, y0: 0, x1: width, y1: width }, COARSE);
  const columns = new Float32Array(COARSE);
  const rows = new Float32Array(COARSE);
  for (const [k, grey] of coarse.entries()) {
    if (grey <= AIR) continue;
    const [x, y] = [k % COARSE, Math.floor(k / COARSE)];
    columns[x] = (columns[x] ?? 0) + 1;
    rows[y] = (rows[y] ?? 0) + 1;
  }
  const isTissue = (cells: number): boolean => cells > TISSUE_SHARE * COARSE;
  const [x0, x1] = [columns.findIndex(isTissue), columns.findLastIndex(isTissue) + 1];
  const [y0, y1] = [rows.findIndex(isTissue), rows.findLastIndex(isTissue) + 1];
  if (x1 - x0 < COARSE / 4 || y1 - y0 < COARSE / 4) return { x0: 0, y0: 0, x1: width, y1: width };
  const scale = width / COARSE;
  return { x0: x0 * scale, y0: y0 * scale, x1: x1 * scale, y1: y1 * scale };
}
