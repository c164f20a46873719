/** PNG, JPEG and TIFF files as squares of greys. */
import sharp from 'sharp';
import { ImagingError } from './errors.js';
import { PIXELS_MAX, squared } from './square.js';

export interface SquareGrey {
  /** Shape (224, 224), 0 .. 65535. */
  readonly grey: Uint16Array;
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
  /** Levels between the percentiles below which there is no picture. */
  readonly windowMin: number;
}

/** Fewer levels than this between the percentiles are noise: 8 of 256, or 64 of 65,536, as 10-bit files may use few. */
export const WINDOW_MIN_8_BIT = 8 * 257;
export const WINDOW_MIN_16_BIT = 64;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly windowMin: number;
}

async function readHeader(bytes: Uint8Array): Promise<Header> {
  const { width, height, pages, depth } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new ImagingError('NOT_AN_IMAGE', 'the header of the image cannot be read', { cause });
    });
  if (width * height > PIXELS_MAX) {
    throw new ImagingError('IMAGE_TOO_LARGE', `the image has more than ${PIXELS_MAX} pixels`);
  }
  if ((pages ?? 1) > 1) throw new ImagingError('MULTI_FRAME', 'the file has several pages');
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw new ImagingError('UNSUPPORTED_FORMAT', 'samples have neither 8 nor 16 bits');
  }
  return { width, height, windowMin: depth === 'ushort' ? WINDOW_MIN_16_BIT : WINDOW_MIN_8_BIT };
}

/**
 * @param bytes - a whole PNG, JPEG or TIFF file by its signature; attacker-controlled.
 * @throws {@link ImagingError} `NOT_AN_IMAGE`, `IMAGE_TOO_LARGE`, `MULTI_FRAME`, `UNSUPPORTED_FORMAT` (all four before
 * decoding), `TRUNCATED` or `DECODE_TIMEOUT`.
 */
export async function readRaster(bytes: Uint8Array): Promise<SquareGrey> {
  const header = await readHeader(bytes);
  const image = sharp(bytes, { limitInputPixels: PIXELS_MAX, failOn: 'warning', ignoreIcc: true });
  return { ...header, grey: await squared(image) };
}
