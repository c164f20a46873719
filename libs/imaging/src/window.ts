/**
 * The grey window: scanners and exports differ in offset and gain by more than patients do, and burnt-in letters or a
 * collimator's edge are the extremes of many radiographs, so the window spans percentiles, not minimum and maximum.
 */
import { ImagingError } from './errors.js';

const LOW_PERCENTILE = 0.5;
const HIGH_PERCENTILE = 99.5;
const LEVELS = 0x1_0000;

/** The smallest level that at least `percent` % of the pixels do not exceed. */
function percentile(histogram: Uint32Array, count: number, percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * count));
  let seen = 0;
  // By index: an iterator over all levels would cost more than the decoding of a small film.
  for (let level = 0; level < LEVELS; level++) {
    seen += histogram[level] ?? 0;
    if (seen >= rank) return level;
  }
  return LEVELS - 1;
}

/**
 * @param grey - 0 .. 65535, in any unit: 12 bits stored in 16 are welcome. Not modified.
 * @param widthMin - a window narrower than this many levels holds no picture.
 * @returns as many numbers in [0, 1]; the 0.5th percentile is 0 and the 99.5th is 1, what lies beyond is clamped.
 * @throws {@link ImagingError} `NEARLY_BLANK`.
 */
export function windowed(grey: Uint16Array, widthMin: number): Float32Array<ArrayBuffer> {
  const histogram = new Uint32Array(LEVELS);
  for (let i = 0; i < grey.length; i++) {
    const level = grey[i] as number;
    histogram[level] = (histogram[level] as number) + 1;
  }
  const low = percentile(histogram, grey.length, LOW_PERCENTILE);
  const width = percentile(histogram, grey.length, HIGH_PERCENTILE) - low;
  if (width < widthMin) throw new ImagingError('NEARLY_BLANK', 'the image shows almost one grey only');
  const shown = new Float32Array(grey.length);
  for (let i = 0; i < grey.length; i++) shown[i] = Math.min(1, Math.max(0, ((grey[i] ?? 0) - low) / width));
  return shown;
}
