/** A line of capitals as pixels: what a picture says of itself must not depend on the fonts of a machine. */

/** Seven rows of five pixels, top first; the left pixel is the highest of five bits. Only what is needed. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  C: [14, 17, 16, 16, 16, 17, 14],
  D: [30, 17, 17, 17, 17, 17, 30],
  E: [31, 16, 16, 30, 16, 16, 31],
  F: [31, 16, 16, 30, 16, 16, 16],
  G: [14, 17, 16, 23, 17, 17, 15],
  H: [17, 17, 17, 31, 17, 17, 17],
  I: [14, 4, 4, 4, 4, 4, 14],
  L: [16, 16, 16, 16, 16, 16, 31],
  N: [17, 25, 21, 19, 17, 17, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  U: [17, 17, 17, 17, 17, 17, 14],
  Y: [17, 17, 10, 4, 4, 4, 4],
  '.': [0, 0, 0, 0, 0, 12, 12],
  '-': [0, 0, 0, 31, 0, 0, 0],
  '+': [0, 4, 4, 31, 4, 4, 0],
  ' ': [0, 0, 0, 0, 0, 0, 0],
};

const ADVANCE = 6;

/** @returns positions (x, y) of the pixels that are set, from the top left of the first letter. @throws RangeError for a letter without a glyph. */
export function* stampPixels(text: string): Generator<readonly [x: number, y: number]> {
  for (const [at, letter] of Array.from(text.toUpperCase()).entries()) {
    const rows = GLYPHS[letter];
    if (rows === undefined) throw new RangeError('there is no glyph for a letter of the stamp');
    for (const [y, bits] of rows.entries()) {
      for (let x = 0; x < 5; x++) if ((bits >> (4 - x)) & 1) yield [at * ADVANCE + x, y];
    }
  }
}

export const stampWidth = (text: string): number => text.length * ADVANCE - 1;
