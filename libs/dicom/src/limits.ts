/** How much memory a file may make us use. Every size below is compared before anything is allocated for it. */
import { DicomError } from './errors.js';

/** Rows times columns times frames. The largest detector in use gives about 18 million. */
const MAX_PIXELS = 100_000_000;
/** Of the result, four bytes a value. */
const MAX_DECODED_BYTES = 512 * 2 ** 20;

/** A file of nested sequences costs a few bytes a level; real ones have fewer than ten. */
export const MAX_DEPTH = 64;
export const MAX_FRAGMENTS = 65_536;
/** Bytes of one text or number attribute that are read; the longest that we use is 64 characters. */
export const MAX_TEXT_BYTES = 1_024;

/** @throws {@link DicomError} `IMAGE_TOO_LARGE` for more than 100 million pixels or 512 MiB of values. */
export function checkImageSize(pixels: number, samples: number): void {
  if (pixels > MAX_PIXELS || pixels * samples * 4 > MAX_DECODED_BYTES) {
    throw new DicomError('IMAGE_TOO_LARGE', `the image has ${pixels} pixels, more than are read`);
  }
}

/**
 * Bound on what a deflated data set may become. Deflate turns one byte into up to 1,032, so an honest file above 64 MiB
 * has to show a size of its own.
 */
export const maxInflatedBytes = (deflatedBytes: number): number =>
  Math.min(MAX_DECODED_BYTES, 64 * 2 ** 20 + 64 * deflatedBytes);
