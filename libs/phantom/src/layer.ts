/**
 * A layer: path lengths of one tissue along each ray, in cm, on a fixed grid in the frontal plane.
 * x runs from -22 cm (the patient's right, the left of the image) to +22 cm, y from 0 cm (neck) down to 44 cm.
 */
export const pixelsPerCm = 10;
export const gridSize = 440;

/** Row-major, gridSize x gridSize. */
export type Layer = Float32Array<ArrayBuffer>;

export function newLayer(): Layer {
  return new Float32Array(gridSize * gridSize);
}

/** Centre of column i, in cm. */
export function columnCm(i: number): number {
  return (i + 0.5) / pixelsPerCm - gridSize / pixelsPerCm / 2;
}

/** Centre of row j, in cm. */
export function rowCm(j: number): number {
  return (j + 0.5) / pixelsPerCm;
}

/** Evaluates an outline at every row, so that the pixel loops look it up. */
export function perRow(outlineCm: (y: number) => number): Float32Array {
  return Float32Array.from({ length: gridSize }, (_, j) => outlineCm(rowCm(j)));
}

/** The rows and columns that a shape may touch, clipped to the grid; `end` is exclusive. */
export interface Extent {
  readonly columnStart: number;
  readonly columnEnd: number;
  readonly rowStart: number;
  readonly rowEnd: number;
}

export function extentOf(left: number, right: number, top: number, bottom: number): Extent {
  const column = (cm: number): number => Math.round((cm + gridSize / pixelsPerCm / 2) * pixelsPerCm);
  const row = (cm: number): number => Math.round(cm * pixelsPerCm);
  return {
    columnStart: Math.max(0, column(left) - 1),
    columnEnd: Math.min(gridSize, column(right) + 1),
    rowStart: Math.max(0, row(top) - 1),
    rowEnd: Math.min(gridSize, row(bottom) + 1),
  };
}

export interface Ellipsoid {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
  /** Path length through the centre, cm; negative for a cavity. */
  readonly depth: number;
  /** Turns the horizontal axis clockwise on the screen, radians. */
  readonly tilt?: number;
}

/** Adds the chords through an ellipsoid. */
export function addEllipsoid(layer: Layer, shape: Ellipsoid): void {
  const { x, y, halfWidth, halfHeight, depth, tilt = 0 } = shape;
  const reach = Math.max(halfWidth, halfHeight);
  const extent = extentOf(x - reach, x + reach, y - reach, y + reach);
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  for (let j = extent.rowStart; j < extent.rowEnd; j++) {
    const dy = rowCm(j) - y;
    for (let i = extent.columnStart; i < extent.columnEnd; i++) {
      const dx = columnCm(i) - x;
      const u = (dx * cos + dy * sin) / halfWidth;
      const v = (dy * cos - dx * sin) / halfHeight;
      const inside = 1 - u * u - v * v;
      if (inside > 0) layer[j * gridSize + i] = (layer[j * gridSize + i] as number) + depth * Math.sqrt(inside);
    }
  }
}
