/** RLE Lossless of PS3.5 annex G: PackBits, one segment for each byte of each sample, the most significant byte first. */
import { DicomError } from './errors.js';

const HEADER_BYTES = 64;

/**
 * @param pixels - rows * columns.
 * @param bytesPerValue - 1, 2 or 4.
 * @returns Little-endian values in planes: all of sample 0, then all of sample 1, ...
 * @throws {@link DicomError} `TRUNCATED`, or `DECODE_FAILED` if the segments are not those of such an image.
 */
export function decodeRle(frame: Uint8Array, pixels: number, samples: number, bytesPerValue: number): Uint8Array {
  if (frame.length < HEADER_BYTES) throw new DicomError('TRUNCATED', 'the RLE header is incomplete');
  const header = new DataView(frame.buffer, frame.byteOffset, HEADER_BYTES);
  const segments = samples * bytesPerValue;
  if (header.getUint32(0, true) !== segments) {
    throw new DicomError('DECODE_FAILED', 'the RLE header has another number of segments than the image');
  }
  // A pair of bytes becomes at most 128: more cannot be in this frame, so it is not allocated.
  if (frame.length * 64 < pixels * segments) throw new DicomError('TRUNCATED', 'the RLE data is too short');
  const out = new Uint8Array(pixels * segments);
  for (let segment = 0; segment < segments; segment++) {
    const start = header.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < segments ? header.getUint32(8 + 4 * segment, true) : frame.length;
    if (start < HEADER_BYTES || end < start || end > frame.length) {
      throw new DicomError('DECODE_FAILED', 'the RLE segments are not in order');
    }
    const sample = Math.floor(segment / bytesPerValue);
    const byte = bytesPerValue - 1 - (segment % bytesPerValue);
    unpack(frame.subarray(start, end), out, sample * pixels * bytesPerValue + byte, bytesPerValue, pixels);
  }
  return out;
}

/** Writes exactly `count` bytes, `stride` apart; what a run has beyond them is dropped, as other readers do. */
function unpack(packed: Uint8Array, out: Uint8Array, offset: number, stride: number, count: number): void {
  let at = 0;
  let written = 0;
  while (written < count) {
    const control = packed[at++];
    if (control === 128) continue;
    const run = control === undefined || control < 128 ? undefined : packed[at++];
    const length = control === undefined ? 0 : control < 128 ? control + 1 : 257 - control;
    if (
      control === undefined ||
      (control > 128 && run === undefined) ||
      (control < 128 && at + length > packed.length)
    ) {
      throw new DicomError('TRUNCATED', 'an RLE segment is too short');
    }
    const end = Math.min(count, written + length);
    for (; written < end; written++) out[offset + written * stride] = run ?? packed[at++] ?? 0;
    // Literals that were not wanted need no skipping: the segment is full.
  }
}
