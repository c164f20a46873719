/** How much a picture looks like a drawn chest, whatever its contrast, a little whatever its frame. */
import { cellMeans, GRID_SIDE } from './grid.js';

interface Placement {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

const SIDES = [24, 28, 32] as const;

/** Where the drawing is looked for: a film shows a little more than the chest, on any side. */
const placements: readonly Placement[] = SIDES.flatMap((side) => {
  const free = Array.from({ length: (GRID_SIDE - side) / 2 + 1 }, (_, k) => 2 * k);
  return free.flatMap((y) => free.map((x) => ({ x, y, side })));
});

/** Mean 0, standard deviation 1; an even picture becomes zeros. */
function standardised(values: Float32Array): Float32Array {
  const n = values.length;
  let sum = 0;
  for (let k = 0; k < n; k++) sum += values[k] as number;
  const mean = sum / n;
  let squares = 0;
  for (let k = 0; k < n; k++) squares += ((values[k] as number) - mean) ** 2;
  const out = new Float32Array(n);
  const stdDev = Math.sqrt(squares / n);
  if (squares / n >= 1e-9) for (let k = 0; k < n; k++) out[k] = ((values[k] as number) - mean) / stdDev;
  return out;
}

/** @returns shape (side, side), a copy. */
function cut(grid: Float32Array, { x, y, side }: Placement): Float32Array {
  const part = new Float32Array(side * side);
  for (let row = 0; row < side; row++) {
    const start = (y + row) * GRID_SIDE + x;
    part.set(grid.subarray(start, start + side), row * side);
  }
  return part;
}

/** A drawing in each size that it is looked for. */
export type Drawing = ReadonlyMap<number, Float32Array>;

/** @param grid - shape (32, 32). */
export const drawing = (grid: Float32Array): Drawing =>
  new Map(
    SIDES.map((side) => {
      const whole = { x0: 0, y0: 0, x1: GRID_SIDE, y1: GRID_SIDE };
      return [side, standardised(side === GRID_SIDE ? grid : cellMeans(grid, GRID_SIDE, whole, side))];
    }),
  );

/**
 * @param grid - shape (32, 32).
 * @returns for each drawing the largest correlation over all placements, [-1, 1].
 */
export function likeness(grid: Float32Array, drawings: readonly Drawing[]): number[] {
  const best = drawings.map(() => -1);
  for (const placement of placements) {
    const part = standardised(cut(grid, placement));
    for (const [d, sizes] of drawings.entries()) {
      const template = sizes.get(placement.side) ?? part;
      let sum = 0;
      for (let k = 0; k < part.length; k++) sum += (part[k] as number) * (template[k] as number);
      best[d] = Math.max(best[d] ?? -1, sum / part.length);
    }
  }
  return best;
}
