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
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return variance < 1e-9 ? values.map(() => 0) : values.map((value) => (value - mean) / Math.sqrt(variance));
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
  for (const { x, y, side } of placements) {
    const part = standardised(
      Float32Array.from(
        { length: side * side },
        (_, k) => grid[(y + Math.floor(k / side)) * GRID_SIDE + x + (k % side)] ?? 0,
      ),
    );
    for (const [d, sizes] of drawings.entries()) {
      const template = sizes.get(side) ?? part;
      let sum = 0;
      for (let k = 0; k < part.length; k++) sum += (part[k] as number) * (template[k] as number);
      best[d] = Math.max(best[d] ?? -1, sum / part.length);
    }
  }
  return best;
}
