/** Pixel data of every coding to the values that the modality stored. */
import { decodeFrame, type Codec } from './codecs.js';
import { codestreamHeader } from './codestream.js';
import { contentOf, type Content, type Dicom } from './dicom.js';
import { PIXEL_DATA } from './elements.js';
import { DicomError } from './errors.js';
import type { DicomFacts } from './facts.js';
import { encapsulatedFrames } from './frames.js';
import { checkImageSize } from './limits.js';
import { decodeRle } from './rle.js';
import { checkRange, meantPacking, unpackValues, unpackYbr422, type Packing } from './unpack.js';

/**
 * @returns Length frames * rows * columns * samples, indexed in this order. Each value is made of `bitsStored` bits,
 *   sign-extended where the file says signed, before any look-up table; cells of more bits than declared are read whole
 *   where the file shows that it means them ({@link meantPacking}). Colour is as stored: YBR stays YBR, except that
 *   JPEG 2000 gives RGB, since its transform is part of the coding.
 * @throws {@link DicomError} `IMAGE_TOO_LARGE`, `TRUNCATED`, `UNSUPPORTED_TRANSFER_SYNTAX`, `UNSUPPORTED_PIXELS`,
 *   `DECODE_FAILED`, `HEADER_INVALID`.
 */
export async function storedValues(dicom: Dicom): Promise<Int32Array> {
  const { facts } = dicom;
  const content = contentOf(dicom);
  const { coding, name } = content.dataSet.syntax;
  if (coding === undefined) throw new DicomError('UNSUPPORTED_TRANSFER_SYNTAX', `${name} is not read`);
  checkImageSize(facts.rows * facts.columns * facts.frames, facts.samples);
  if (coding === 'native') return nativeValues(facts, content);

  const frames = encapsulatedFrames(content.dataSet, facts.frames);
  return coding === 'rle' ? rleValues(facts, content, frames) : await codecValues(facts, coding, frames);
}

const valuesPerFrame = ({ rows, columns, samples }: DicomFacts): number => rows * columns * samples;
const noValues = (facts: DicomFacts): Int32Array => new Int32Array(valuesPerFrame(facts) * facts.frames);
const frameOf = (values: Int32Array, facts: DicomFacts, i: number): Int32Array =>
  values.subarray(i * valuesPerFrame(facts), (i + 1) * valuesPerFrame(facts));

function nativeValues(facts: DicomFacts, { dataSet, layout }: Content): Int32Array {
  const { view, elements } = dataSet;
  const pixelData = elements.get(PIXEL_DATA);
  if (pixelData === undefined || pixelData.undefinedLength) {
    throw new DicomError('HEADER_INVALID', 'uncompressed pixel data comes in fragments');
  }
  const halved = facts.photometric === 'YBR_FULL_422';
  const bytesPerFrame = halved ? 2 * facts.rows * facts.columns : (valuesPerFrame(facts) * facts.bitsAllocated) / 8;
  // An odd number of bytes is padded, since its last word may have its bytes swapped.
  const available = pixelData.end - pixelData.start;
  if (available - (available % 2) < bytesPerFrame * facts.frames) {
    throw new DicomError('TRUNCATED', 'there are fewer pixels than the header says');
  }
  const { littleEndian } = pixelData.encoding;
  const stored = new Uint8Array(view.buffer, view.byteOffset + pixelData.start, available - (available % 2));
  const inWords = facts.bitsAllocated === 8 && pixelData.vr === 'OW' && !littleEndian;
  const bytes = inWords ? Buffer.from(stored).swap16() : stored;
  const packing = meantPacking(bytes, { ...facts, highBit: layout.highBit, littleEndian });
  const values = noValues(facts);
  for (let i = 0; i < facts.frames; i++) {
    const frame = bytes.subarray(i * bytesPerFrame, (i + 1) * bytesPerFrame);
    if (halved) unpackYbr422(frame, frameOf(values, facts, i));
    else unpackValues(frame, packing, layout.planar ? facts.samples : 1, frameOf(values, facts, i));
  }
  return values;
}

function rleValues(facts: DicomFacts, { layout }: Content, frames: readonly Uint8Array[]): Int32Array {
  const packing: Packing = { ...facts, highBit: layout.highBit, littleEndian: true };
  let values: Int32Array | undefined;
  for (const [i, frame] of frames.entries()) {
    const planes = decodeRle(frame, facts.rows * facts.columns, facts.samples, facts.bitsAllocated / 8);
    // Only now: the first frame has paid for an allocation of its size.
    values ??= noValues(facts);
    unpackValues(planes, packing, facts.samples, frameOf(values, facts, i));
  }
  return values ?? noValues(facts);
}

async function codecValues(facts: DicomFacts, codec: Codec, frames: readonly Uint8Array[]): Promise<Int32Array> {
  if (facts.bitsAllocated === 32) throw new DicomError('UNSUPPORTED_PIXELS', 'compressed 32-bit pixels cannot be read');
  // All headers before the first allocation: it is of the size that they, too, give the image.
  const precisions = frames.map((frame) => precisionOf(frame, codec, facts));
  const values = noValues(facts);
  for (const [i, frame] of frames.entries()) {
    const decoded = await decodeFrame(codec, frame, facts);
    // Codecs put a sample into the low bits. Some writers code more bits than they say are stored.
    const bitsStored = Math.max(precisions[i] ?? 0, facts.bitsStored);
    const packing: Packing = { ...facts, bitsStored, highBit: bitsStored - 1, littleEndian: true };
    unpackValues(decoded, packing, 1, frameOf(values, facts, i));
    if (bitsStored > facts.bitsStored) checkRange(frameOf(values, facts, i), facts);
  }
  return values;
}

function precisionOf(frame: Uint8Array, codec: Codec, facts: DicomFacts): number {
  const { rows, columns, samples, precision } = codestreamHeader(frame, codec);
  const same = rows === facts.rows && columns === facts.columns && samples === facts.samples;
  if (!same || precision > facts.bitsAllocated) {
    throw new DicomError('DECODE_FAILED', 'the compressed image is not of the size that the header says');
  }
  return precision;
}
