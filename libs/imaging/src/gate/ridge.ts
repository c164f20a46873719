/** The bright mediastinum between two dark lungs: what every frontal film has and no lateral one. */
import { GRID_SIDE } from './grid.js';

export interface Ridge {
  /** Grey by which the middle is brighter than the less dark of the lungs beside it. Negative: there is no ridge. */
  readonly height: number;
  /** The same as a share of the contrast of the chest wall, lungs and middle; the better of two heights of the chest. */
  readonly share: number;
}

/** Rows of the grid. The upper ones are above most hearts and most effusions. */
const MIDDLE = [7, 19] as const;
const UPPER = [5, 12] as const;

/** Columns between which the middle may be, and how far from it a lung may be darkest. */
const CENTRE = { from: 11, to: 20 };
const LUNG = { near: 3, far: 11 };
/** Columns at each side that show the chest wall, or the air beside it. */
const RIM = 3;

const smoothing = [0.01, 0.2, 0.58, 0.2, 0.01];

function profile(grid: Float32Array, [top, bottom]: readonly [number, number]): number[] {
  const columns = Array.from({ length: GRID_SIDE }, (_, x) => {
    let sum = 0;
    for (let y = top; y < bottom; y++) sum += grid[y * GRID_SIDE + x] ?? 0;
    return sum / (bottom - top);
  });
  const at = (x: number): number => columns[Math.min(GRID_SIDE - 1, Math.max(0, x))] ?? 0;
  return columns.map((_, x) => smoothing.reduce((sum, weight, k) => sum + weight * at(x + k - 2), 0));
}

function ridgeOf(columns: readonly number[]): Ridge {
  let height = -1;
  for (let x = CENTRE.from; x <= CENTRE.to; x++) {
    const left = Math.min(...columns.slice(Math.max(RIM, x - LUNG.far), x - LUNG.near + 1));
    const right = Math.min(...columns.slice(x + LUNG.near, Math.min(GRID_SIDE - RIM, x + LUNG.far + 1)));
    height = Math.max(height, (columns[x] ?? 0) - Math.max(left, right));
  }
  const inner = columns.slice(RIM, -RIM);
  const contrast = Math.max(...inner) - Math.min(...inner);
  return { height, share: contrast < 1e-6 ? 0 : height / contrast };
}

/** @param grid - shape (32, 32), cropped to the body. */
export function mediastinalRidge(grid: Float32Array): Ridge {
  const middle = ridgeOf(profile(grid, MIDDLE));
  return { height: middle.height, share: Math.max(middle.share, ridgeOf(profile(grid, UPPER)).share) };
}
