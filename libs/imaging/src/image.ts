/** From the bytes of a file to the 224x224 greys that the backbone sees. All hospitals of a run do exactly this. */
import sharp from 'sharp';
import { ImagingError } from './errors.js';
import { windowed } from './window.js';

/** Part of the key of every cached embedding. It changes with any change of the numbers that {@link decodeImage} gives. */
export const PREPROCESSING_VERSION = 'grey16-whole-224-p0.5-p99.5/1';

export const IMAGE_SIDE = 224;

/** The largest radiographs, of stitched detectors, have about 30 million pixels. */
const PIXELS_MAX = 100_000_000;

/** Fewer levels than this between the percentiles are noise: 8 of 256, or 64 of 65,536, as 10-bit files may use few. */
const WINDOW_MIN_8_BIT = 8 * 257;
const WINDOW_MIN_16_BIT = 64;

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  Buffer.from(text, 'latin1').every((byte, i) => bytes[at + i] === byte);

const accepted = ['\x89PNG\r\n\x1a\n', '\xff\xd8\xff'];

/** Formats that people do send: a clear answer instead of "not an image". [signature, offset] */
const refused: readonly (readonly [string, number])[] = [
  ['DICM', 128],
  ['GIF8', 0],
  ['BM', 0],
  ['II*\0', 0],
  ['MM\0*', 0],
  ['WEBP', 8],
  ['ftyp', 4],
  ['\0\0\0\x0cjP  ', 0],
  ['\xff\x4f\xff\x51', 0],
  ['P5', 0],
  ['P6', 0],
  ['%PDF', 0],
  ['<svg', 0],
];

/** By signature, before any decoder runs: of all the parsers in libvips, hostile bytes reach two. */
function checkFormat(bytes: Uint8Array): void {
  if (accepted.some((signature) => startsWith(bytes, signature))) return;
  if (refused.some(([signature, at]) => startsWith(bytes, signature, at))) {
    throw new ImagingError('UNSUPPORTED_FORMAT', 'only PNG and JPEG files are read');
  }
  throw new ImagingError('NOT_AN_IMAGE', 'the file is not an image');
}

/** @returns the levels that make a window, for the depth of the file. */
async function checkHeader(bytes: Uint8Array): Promise<number> {
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new ImagingError('NOT_AN_IMAGE', 'the header of the image cannot be read', { cause });
    });
  if (header.width * header.height > PIXELS_MAX) {
    throw new ImagingError('IMAGE_TOO_LARGE', `the image has more than ${PIXELS_MAX} pixels`);
  }
  return header.depth === 'ushort' ? WINDOW_MIN_16_BIT : WINDOW_MIN_8_BIT;
}

/**
 * The whole image is stretched to the square: cropping would cut off lung bases or apices, and bars of padding would
 * tell the network the aspect ratio, which mostly says which hospital an image came from.
 *
 * Not turned by EXIF: a radiograph has its orientation from whoever exported it, such a tag comes from a later tool, and
 * turning or mirroring would silently swap the sides of a patient. Colour profiles are ignored for the same reason: the
 * window makes up for gain, and numbers must not depend on a tag.
 */
async function resizedGrey(bytes: Uint8Array): Promise<Uint16Array> {
  const pixels = await sharp(bytes, { limitInputPixels: PIXELS_MAX, failOn: 'warning', ignoreIcc: true })
    .flatten({ background: '#000' })
    .resize(IMAGE_SIDE, IMAGE_SIDE, { fit: 'fill', kernel: 'lanczos3' })
    // Not greyscale(): that comes down to 8 bits, and a 12-bit radiograph in 16 bits would keep 16 greys.
    .toColourspace('grey16')
    .raw({ depth: 'ushort' })
    .toBuffer()
    .catch((cause: unknown) => {
      throw new ImagingError('TRUNCATED', 'the image is cut off or damaged', { cause });
    });
  const copy = Uint8Array.from(pixels);
  return new Uint16Array(copy.buffer);
}

/**
 * @param bytes - a whole PNG or JPEG file, grey or colour, 8 or 16 bits; attacker-controlled.
 * @returns shape (224, 224), row by row from the top left, [0, 1], windowed to its own percentiles 0.5 and 99.5.
 * @throws {@link ImagingError} `UNSUPPORTED_FORMAT`, `NOT_AN_IMAGE`, `IMAGE_TOO_LARGE` (before decoding), `TRUNCATED` or
 * `NEARLY_BLANK`.
 */
export async function decodeImage(bytes: Uint8Array): Promise<Float32Array> {
  checkFormat(bytes);
  const windowMin = await checkHeader(bytes);
  return windowed(await resizedGrey(bytes), windowMin);
}

/** Threads of libvips for one image, for this process; 0 gives back its default. Cores that a hospital does not give stay free. */
export function setDecoderThreads(threads: number): void {
  sharp.concurrency(threads);
}
