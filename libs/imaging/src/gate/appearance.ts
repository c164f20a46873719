/** The figures by which a picture is judged where no header speaks for it. */
import { FRONTAL, FRONTAL_WITH_HEART, LATERAL } from './templates.js';
import { bodyBox, cellMeans, GRID_SIDE, mirrored, turned } from './grid.js';
import { drawing, likeness } from './likeness.js';
import { mediastinalRidge, type Ridge } from './ridge.js';
import { texture, type Texture } from './texture.js';

export interface Appearance {
  /** Largest correlation with the drawing, [-1, 1]; so are the next six. */
  readonly frontal: number;
  readonly lateral: number;
  /** The picture is a frontal chest turned so. */
  readonly clockwise: number;
  readonly upsideDown: number;
  readonly anticlockwise: number;
  readonly inverted: number;
  /** By how much the heart on the usual side fits better than on the other. */
  readonly heartSide: number;
  readonly ridge: Ridge;
  readonly texture: Texture;
}

const quarter = turned(FRONTAL, GRID_SIDE);
const half = turned(quarter, GRID_SIDE);
const drawings = [
  FRONTAL,
  LATERAL,
  mirrored(LATERAL, GRID_SIDE),
  quarter,
  half,
  turned(half, GRID_SIDE),
  FRONTAL.map((grey) => 1 - grey),
  FRONTAL_WITH_HEART,
  mirrored(FRONTAL_WITH_HEART, GRID_SIDE),
].map(drawing);

/** @param pixels - shape (side, side), [0, 1]. */
export function appearance(pixels: Float32Array, side: number): Appearance {
  const body = cellMeans(pixels, side, bodyBox(pixels, side), GRID_SIDE);
  const [
    frontal = 0,
    toLeft = 0,
    toRight = 0,
    clockwise = 0,
    upsideDown = 0,
    anticlockwise = 0,
    inverted = 0,
    ...heart
  ] = likeness(body, drawings);
  return {
    frontal,
    lateral: Math.max(toLeft, toRight),
    clockwise,
    upsideDown,
    anticlockwise,
    inverted,
    heartSide: (heart[0] ?? 0) - (heart[1] ?? 0),
    ridge: mediastinalRidge(body),
    texture: texture(pixels, side),
  };
}
