/** The lead letter that says which side is which: a habit of each hospital, and a shortcut that a model may learn. */
import type { SeededRandom } from '@consilium/tensors';
import { drawText } from './lettering.js';

export interface Marker {
  /** L is put at the patient's left, which is the right of the image; R at the left. */
  readonly letter: 'L' | 'R';
  /** Height of the letter's centre, as a share of the image from the top. */
  readonly heightShare: number;
  /** Height of the letter as a share of the image. */
  readonly sizeShare: number;
  /** A ring around the letter. */
  readonly ringed: boolean;
}

/** Draws it on grey levels in 0 .. 1, shifted a little each time as a radiographer would. */
export function drawMarker(grey: Float32Array, sizePixels: number, marker: Marker, random: SeededRandom): void {
  const height = marker.sizeShare * sizePixels;
  const margin = 0.075 * sizePixels;
  const x = (marker.letter === 'R' ? margin : sizePixels - margin) + random.normal(0, 0.008) * sizePixels;
  const y = marker.heightShare * sizePixels + random.normal(0, 0.012) * sizePixels;
  const raster = { values: grey, widthPixels: sizePixels, heightPixels: sizePixels };
  drawText(raster, marker.letter, {
    x,
    y,
    height,
    brightness: 0.97,
    tilt: random.normal(0, 0.08),
    ringed: marker.ringed,
  });
}
