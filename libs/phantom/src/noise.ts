/** Noise that is made once per process and read at a seeded offset: fresh noise per pixel would cost more than the image. */
import { SeededRandom } from '@consilium/tensors';
import { boxBlur } from './blur.js';

const tileSize = 512;
const mask = tileSize - 1;

/** A random field of mean 0 and standard deviation 1 that repeats every 512 pixels. */
export type NoiseTile = Float32Array;

let whiteTile: NoiseTile | undefined;
const grainTiles = new Map<number, NoiseTile>();

/** Uncorrelated from pixel to pixel. */
export function whiteNoise(): NoiseTile {
  if (whiteTile === undefined) {
    const random = new SeededRandom('phantom noise');
    whiteTile = standardised(Float32Array.from({ length: tileSize * tileSize }, () => random.normal()));
  }
  return whiteTile;
}

/** Smooth grains. @param grainPixels - radius of the three box blurs that shape a grain. */
export function grainNoise(grainPixels: number): NoiseTile {
  let tile = grainTiles.get(grainPixels);
  if (tile === undefined) {
    tile = standardised(boxBlur(whiteNoise(), tileSize, tileSize, grainPixels, 3));
    grainTiles.set(grainPixels, tile);
  }
  return tile;
}

/** Index of a pixel in a tile that repeats in both directions. */
export function tileIndex(column: number, row: number): number {
  return ((row & mask) << 9) | (column & mask);
}

/** Where one image reads the tile: [column, row]. */
export function tileOffset(random: SeededRandom): readonly [column: number, row: number] {
  return [random.integer(tileSize), random.integer(tileSize)];
}

function standardised(values: Float32Array): NoiseTile {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const stdDev = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
  return values.map((v) => (v - mean) / stdDev);
}
