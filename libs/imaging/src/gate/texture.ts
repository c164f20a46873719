/** Greys and edges of the whole picture, by which a slice of a scan differs from a projection. */

export interface Texture {
  /** Mean difference of neighbours, across plus down. */
  readonly edges: number;
  /** Share of pixels that are nearly white. */
  readonly white: number;
  /** Mean grey of the middle of the upper edge: on a frontal film the neck, on a slice the air over the patient. */
  readonly top: number;
  readonly bottom: number;
  /** Mean grey of the brightest of four corners. */
  readonly corner: number;
}

const WHITE = 0.8;

/** @param pixels - shape (side, side), [0, 1]. */
export function texture(pixels: Float32Array, side: number): Texture {
  const at = (x: number, y: number): number => pixels[y * side + x] ?? 0;
  const mean = (x0: number, x1: number, y0: number, y1: number): number => {
    let sum = 0;
    for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += at(x, y);
    return sum / ((x1 - x0) * (y1 - y0));
  };
  let edges = 0;
  let white = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const grey = at(x, y);
      if (grey > WHITE) white += 1;
      if (x + 1 < side) edges += Math.abs(at(x + 1, y) - grey);
      if (y + 1 < side) edges += Math.abs(at(x, y + 1) - grey);
    }
  }
  const [rim, corner] = [Math.round(side / 20), Math.round(side / 10)];
  const [left, right] = [Math.round(side * 0.35), Math.round(side * 0.65)];
  const ends = [[0, corner] as const, [side - corner, side] as const];
  return {
    edges: edges / (side * (side - 1)),
    white: white / pixels.length,
    top: mean(left, right, 0, rim),
    bottom: mean(left, right, side - rim, side),
    corner: Math.max(...ends.flatMap(([x0, x1]) => ends.map(([y0, y1]) => mean(x0, x1, y0, y1)))),
  };
}
