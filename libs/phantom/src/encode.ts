/** Files as a hospital would export them. */
import sharp from 'sharp';
import type { PhantomImage } from './phantom.js';
import type { Scanner } from './scanner.js';

/**
 * @param format - `png16`: 16-bit greyscale PNG, lossless; `jpeg`: 8-bit greyscale JPEG, quality 92, the upper byte of
 *   each pixel.
 */
export async function encodePhantom(image: PhantomImage, format: Scanner['format']): Promise<Buffer> {
  const { pixels, widthPixels: width, heightPixels: height } = image;
  if (format === 'jpeg') {
    const upper = new Uint8Array(pixels.length);
    for (let k = 0; k < pixels.length; k++) upper[k] = (pixels[k] as number) >>> 8;
    return sharp(upper, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .jpeg({ quality: 92 })
      .toBuffer();
  }
  // Noise does not compress: a higher level costs four times as long for a few per cent.
  return sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace('grey16')
    .png({ compressionLevel: 1, adaptiveFiltering: false })
    .toBuffer();
}
