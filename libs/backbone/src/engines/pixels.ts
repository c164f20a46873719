/** What enters the network, on every engine. */
import type { Recipe } from '../backbone.js';

/**
 * Three channels from one, each with its own mean and deviation. Folding this into the first convolution would be
 * cheaper, but there the padding is zero *after* the normalisation, so every border would be wrong.
 *
 * @returns shape (3, side, side).
 */
export function normalisedPixels(
  image: Float32Array,
  { channelMean, channelStdDev }: Pick<Recipe, 'channelMean' | 'channelStdDev'>,
): Float32Array {
  const pixels = new Float32Array(3 * image.length);
  for (const [channel, mean] of channelMean.entries()) {
    const stdDev = channelStdDev[channel] ?? NaN;
    const offset = channel * image.length;
    for (let i = 0; i < image.length; i++) pixels[offset + i] = ((image[i] ?? NaN) - mean) / stdDev;
  }
  return pixels;
}
