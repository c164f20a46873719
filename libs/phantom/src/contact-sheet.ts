/** Many films at a glance. */
import sharp from 'sharp';
import { drawText } from './lettering.js';
import type { PhantomImage } from './phantom.js';

export interface ContactSheetTile {
  readonly image: PhantomImage;
  /** Shown on a black band at the foot; capital letters that `drawText` has strokes for. */
  readonly caption?: string;
}

/**
 * Tiles films in rows, each reduced to a square.
 *
 * @param columns - 1 or more; the last row may be short.
 * @returns An 8-bit greyscale PNG.
 * @throws RangeError for no tiles, or columns that are not a positive integer.
 */
export async function contactSheet(
  tiles: readonly ContactSheetTile[],
  columns: number,
  tilePixels = 160,
): Promise<Buffer> {
  if (tiles.length === 0) throw new RangeError('a contact sheet needs at least one tile');
  if (!Number.isInteger(columns) || columns < 1) throw new RangeError('columns must be a positive integer');
  const pitch = tilePixels + 2;
  const width = columns * pitch;
  const height = Math.ceil(tiles.length / columns) * pitch;
  const sheet = new Uint8Array(width * height).fill(24);
  for (const [index, tile] of tiles.entries()) {
    const reduced = await reduce(tile, tilePixels);
    const corner = Math.floor(index / columns) * pitch * width + (index % columns) * pitch;
    for (let j = 0; j < tilePixels; j++) {
      sheet.set(reduced.subarray(j * tilePixels, (j + 1) * tilePixels), corner + (j + 1) * width + 1);
    }
  }
  return sharp(sheet, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 9, adaptiveFiltering: true })
    .toBuffer();
}

async function reduce({ image, caption }: ContactSheetTile, tilePixels: number): Promise<Uint8Array> {
  const upper = new Uint8Array(image.pixels.length);
  for (let k = 0; k < upper.length; k++) upper[k] = (image.pixels[k] as number) >>> 8;
  const small = await sharp(upper, { raw: { width: image.widthPixels, height: image.heightPixels, channels: 1 } })
    .resize(tilePixels, tilePixels, { fit: 'fill' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  if (caption === undefined) return small;
  const band = Math.round(tilePixels * 0.09);
  const values = Float32Array.from(small).fill(0, (tilePixels - band) * tilePixels);
  const height = band * 0.6;
  const x = height * 0.46 * (caption.length + 1);
  const raster = { values, widthPixels: tilePixels, heightPixels: tilePixels };
  drawText(raster, caption, { x, y: tilePixels - band / 2, height, brightness: 230 });
  return Uint8Array.from(values, Math.round);
}
