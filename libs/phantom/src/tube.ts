/** Tubes along a path: ribs, clavicles, vessels, bronchi, and the strokes of letters. */
import { clamp } from './curve.js';
import { type Layer, gridSize, pixelsPerCm } from './layer.js';

export interface TubePoint {
  readonly x: number;
  readonly y: number;
  /** Half of the visible width, cm. */
  readonly radius: number;
  /** Path length on the axis, cm. */
  readonly depth: number;
}

/** Relative path length against (distance / radius)^2, sampled at 0, 1/64, ... 1. */
export type Profile = Float32Array;

const samples = 64;

function profileOf(relativeDepth: (q: number) => number): Profile {
  return Float32Array.from({ length: samples + 1 }, (_, i) => relativeDepth(i / samples));
}

/** Solid and round, as a vessel. */
export const rod = profileOf((q) => Math.sqrt(1 - q));

/** A dense shell around a light core, as a rib: the edges are brighter than the middle. */
export const shell = profileOf((q) => (Math.sqrt(1 - q) - 0.78 * Math.sqrt(Math.max(0, 0.66 - q))) / 0.6);

/** Flat with a short edge, as a stroke of lead. */
export const strip = profileOf((q) => clamp((1 - q) * 3, 0, 1));

/** A raster that tubes are drawn on; the layers of the anatomy and the finished image are both one. */
export interface Raster {
  readonly values: Float32Array;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly pixelsPerUnit: number;
  /** Added to x before scaling. */
  readonly originX: number;
}

export function onGrid(layer: Layer): Raster {
  const originX = gridSize / pixelsPerCm / 2;
  return { values: layer, widthPixels: gridSize, heightPixels: gridSize, pixelsPerUnit: pixelsPerCm, originX };
}

/**
 * Draws a tube by maximum, so that its own joints do not add up; different tubes that cross do add up only when they
 * are drawn on different rasters. A tube thinner than 2 pixels is drawn that wide with less depth instead.
 */
export function drawTube(raster: Raster, path: readonly TubePoint[], profile: Profile): void {
  for (let k = 1; k < path.length; k++) drawSegment(raster, path[k - 1] as TubePoint, path[k] as TubePoint, profile);
}

const thinnestPixels = 1;

function drawSegment(raster: Raster, from: TubePoint, to: TubePoint, profile: Profile): void {
  const { values, widthPixels, heightPixels, pixelsPerUnit, originX } = raster;
  const [x0, y0] = [(from.x + originX) * pixelsPerUnit - 0.5, from.y * pixelsPerUnit - 0.5];
  const dx = (to.x - from.x) * pixelsPerUnit;
  const dy = (to.y - from.y) * pixelsPerUnit;
  const r0 = from.radius * pixelsPerUnit;
  const widening = to.radius * pixelsPerUnit - r0;
  const deepening = to.depth - from.depth;
  const reach = Math.max(r0, r0 + widening, thinnestPixels);
  const perLengthSquared = 1 / Math.max(1e-9, dx * dx + dy * dy);
  const rowEnd = Math.min(heightPixels - 1, Math.ceil(Math.max(y0, y0 + dy) + reach));
  for (let j = Math.max(0, Math.floor(Math.min(y0, y0 + dy) - reach)); j <= rowEnd; j++) {
    // Only the part of the axis within reach of this row can touch it: that bounds the columns.
    const [early, late] = dy === 0 ? [0, 1] : [(j - reach - y0) / dy, (j + reach - y0) / dy];
    const first = x0 + dx * clamp(early, 0, 1);
    const last = x0 + dx * clamp(late, 0, 1);
    const columnEnd = Math.min(widthPixels - 1, Math.ceil(Math.max(first, last) + reach));
    for (let i = Math.max(0, Math.floor(Math.min(first, last) - reach)); i <= columnEnd; i++) {
      let t = ((i - x0) * dx + (j - y0) * dy) * perLengthSquared;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      const ex = i - x0 - t * dx;
      const ey = j - y0 - t * dy;
      const radius = r0 + t * widening;
      const drawn = radius < thinnestPixels ? thinnestPixels : radius;
      const q = (ex * ex + ey * ey) / (drawn * drawn);
      if (q >= 1) continue;
      const value = (from.depth + t * deepening) * (radius / drawn) * (profile[(q * samples + 0.5) | 0] as number);
      const k = j * widthPixels + i;
      if (value > (values[k] as number)) values[k] = value;
    }
  }
}
