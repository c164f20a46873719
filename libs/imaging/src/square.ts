/** The whole image on 224x224 pixels, 16 bits. Every format comes through here, so that equal pixels give equal numbers. */
import sharp, { type Sharp } from 'sharp';
import { ImagingError } from './errors.js';

export const IMAGE_SIDE = 224;

/** The largest radiographs, of stitched detectors, have about 30 million pixels. */
export const PIXELS_MAX = 100_000_000;

/** The time that libvips may compute: a thread cannot be stopped while it is in native code. */
const RESIZE_SECONDS_MAX = 30;

/**
 * The whole image is stretched to the square: cropping would cut off lung bases or apices, and bars of padding would
 * tell the network the aspect ratio, which mostly says which hospital an image came from.
 *
 * Not turned by EXIF: a radiograph has its orientation from whoever exported it, such a tag comes from a later tool, and
 * turning or mirroring would silently swap the sides of a patient. Colour profiles are ignored for the same reason: the
 * window makes up for gain, and numbers must not depend on a tag.
 *
 * @returns shape (224, 224), 0 .. 65535.
 * @throws {@link ImagingError} `TRUNCATED`, or `DECODE_TIMEOUT` after 30 s.
 */
export async function squared(image: Sharp): Promise<Uint16Array> {
  const pixels = await image
    .flatten({ background: '#000' })
    .resize(IMAGE_SIDE, IMAGE_SIDE, { fit: 'fill', kernel: 'lanczos3' })
    // Not greyscale(): that comes down to 8 bits, and a 12-bit radiograph in 16 bits would keep 16 greys.
    .toColourspace('grey16')
    .raw({ depth: 'ushort' })
    .timeout({ seconds: RESIZE_SECONDS_MAX })
    .toBuffer()
    .catch((cause: unknown) => {
      if (cause instanceof Error && cause.message.includes('timeout')) {
        throw new ImagingError('DECODE_TIMEOUT', `decoding took longer than ${RESIZE_SECONDS_MAX} s`);
      }
      throw new ImagingError('TRUNCATED', 'the image is cut off or damaged', { cause });
    });
  return new Uint16Array(Uint8Array.from(pixels).buffer);
}

/** Threads of libvips for one image, for this process; 0 gives back its default. Cores that a hospital does not give stay free. */
export function setDecoderThreads(threads: number): void {
  sharp.concurrency(threads);
}
