/** The heat map over the radiograph, as a PNG. */
import sharp from 'sharp';
import { RESEARCH_USE } from './card.js';
import type { Evidence } from './prediction.js';
import { stampPixels, stampWidth } from './stamp.js';

/** Width and height of the radiograph in the picture; twice what the model sees. */
export const PICTURE_SIDE = 448;
const LEGEND_HEIGHT = 40;
export const PICTURE_HEIGHT = PICTURE_SIDE + LEGEND_HEIGHT;

type Rgb = readonly [number, number, number];

/**
 * Every 1/8 of matplotlib's "inferno" (Smith and van der Walt, CC0), from its second step: even steps of lightness, also
 * for eyes that do not tell red from green, and no grey in it that could be the film's.
 */
const INFERNO: readonly Rgb[] = [
  [31, 12, 72],
  [85, 15, 109],
  [136, 34, 106],
  [186, 54, 85],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
];
/** The film stays visible under the warmest place. */
const OPACITY_MAX = 0.6;

/** @param level - 0 to 1. */
function colour(level: number): Rgb {
  const at = level * (INFERNO.length - 1);
  const [low, high] = [INFERNO[Math.floor(at)], INFERNO[Math.ceil(at)]];
  const mix = (c: 0 | 1 | 2): number => (low?.[c] ?? 0) + (at % 1) * ((high?.[c] ?? 0) - (low?.[c] ?? 0));
  return [mix(0), mix(1), mix(2)];
}

/** Bilinear; a value is that of the middle of its cell, and the border repeats the outermost cells. */
export function enlarged(values: ArrayLike<number>, side: number, target: number): Float64Array {
  const result = new Float64Array(target * target);
  const at = (row: number, column: number): number => values[row * side + column] ?? NaN;
  const place = (i: number): { low: number; high: number; share: number } => {
    const position = Math.min(side - 1, Math.max(0, ((i + 0.5) * side) / target - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(side - 1, low + 1), share: position - low };
  };
  for (let y = 0; y < target; y++) {
    const row = place(y);
    for (let x = 0; x < target; x++) {
      const column = place(x);
      const along = (r: number): number => at(r, column.low) + column.share * (at(r, column.high) - at(r, column.low));
      result[y * target + x] = along(row.low) + row.share * (along(row.high) - along(row.low));
    }
  }
  return result;
}

/** To 0..1: an exact map from its least place to its most, since its zero means nothing; a gradient map from zero. All equal gives zeros. */
export function levelsOf({ kind, values }: Evidence['heat']): Float64Array {
  const low = kind === 'exact' ? Math.min(...values) : 0;
  const range = Math.max(...values) - low;
  return range > 0 ? values.map((value) => (value - low) / range) : new Float64Array(values.length);
}

function paint(canvas: Uint8Array, x: number, y: number, [r, g, b]: Rgb): void {
  canvas.set([r, g, b], 3 * (y * PICTURE_SIDE + x));
}

function write(canvas: Uint8Array, text: string, left: number, top: number): void {
  for (const [x, y] of stampPixels(text)) paint(canvas, left + x, top + y, [235, 235, 235]);
}

const over = (grey: number, level: number): Rgb => {
  // Steeper than the colours: places of little weight leave the film grey.
  const opacity = OPACITY_MAX * level ** 1.5;
  const [r, g, b] = colour(level);
  const mix = (value: number): number => Math.round((1 - opacity) * grey + opacity * value);
  return [mix(r), mix(g), mix(b)];
};

/** From least to most, over the same grey everywhere. */
function drawLegend(canvas: Uint8Array): void {
  const [left, right, top, height] = [24, PICTURE_SIDE - 24, PICTURE_SIDE + 6, 9];
  for (let x = left; x < right; x++) {
    for (let y = top; y < top + height; y++) paint(canvas, x, y, over(90, (x - left) / (right - left - 1)));
  }
  write(canvas, '-', 10, top + 1);
  write(canvas, '+', right + 9, top + 1);
  write(canvas, RESEARCH_USE, Math.floor((PICTURE_SIDE - stampWidth(RESEARCH_USE)) / 2), PICTURE_SIDE + 24);
}

/** @returns red, green, blue, shape (PICTURE_HEIGHT, PICTURE_SIDE, 3). */
function draw({ pixels, heat }: Evidence): Uint8Array {
  const canvas = new Uint8Array(PICTURE_SIDE * PICTURE_HEIGHT * 3);
  const grey = enlarged(pixels, Math.sqrt(pixels.length), PICTURE_SIDE);
  const levels = enlarged(levelsOf(heat), heat.side, PICTURE_SIDE);
  for (const [i, level] of levels.entries()) canvas.set(over(255 * (grey[i] ?? 0), level), 3 * i);
  drawLegend(canvas);
  return canvas;
}

/** @returns a PNG for the disk and a small JPEG for the page. */
export async function heatPicture(evidence: Evidence): Promise<{ png: Buffer; jpeg: Buffer }> {
  const raw = { width: PICTURE_SIDE, height: PICTURE_HEIGHT, channels: 3 } as const;
  const picture = sharp(draw(evidence), { raw });
  const [png, jpeg] = await Promise.all([
    picture.clone().png({ compressionLevel: 9 }).toBuffer(),
    picture.clone().jpeg({ quality: 80 }).toBuffer(),
  ]);
  return { png, jpeg };
}
