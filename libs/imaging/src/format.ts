/** Which kind of file it is, by its first bytes: of all the parsers in libvips, hostile bytes reach three. */
import { isDicom } from '@consilium/dicom';
import { ImagingError } from './errors.js';

export type ImageFormat = 'png' | 'jpeg' | 'tiff' | 'dicom';

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  Buffer.from(text, 'latin1').every((byte, i) => bytes[at + i] === byte);

/** A DICOM file may begin as a TIFF file does: its first 128 bytes are free for such a second face (PS3.10 7.1). */
const DICOM: readonly [string, number] = ['DICM', 128];

const accepted: readonly (readonly [string, ImageFormat])[] = [
  ['\x89PNG\r\n\x1a\n', 'png'],
  ['\xff\xd8\xff', 'jpeg'],
  ['II*\0', 'tiff'],
  ['MM\0*', 'tiff'],
];

/** Formats that people do send: a clear answer instead of "not an image". [signature, offset] */
const refused: readonly (readonly [string, number])[] = [
  ['GIF8', 0],
  ['BM', 0],
  ['II+\0', 0],
  ['MM\0+', 0],
  ['WEBP', 8],
  ['ftyp', 4],
  ['\0\0\0\x0cjP  ', 0],
  ['\xff\x4f\xff\x51', 0],
  ['P5', 0],
  ['P6', 0],
  ['%PDF', 0],
  ['<svg', 0],
];

/** @throws {@link ImagingError} `UNSUPPORTED_FORMAT` or `NOT_AN_IMAGE`. */
export function formatOf(bytes: Uint8Array): ImageFormat {
  if (startsWith(bytes, ...DICOM)) return 'dicom';
  const [, format] = accepted.find(([signature]) => startsWith(bytes, signature)) ?? [];
  if (format !== undefined) return format;
  if (refused.some(([signature, at]) => startsWith(bytes, signature, at))) {
    throw new ImagingError('UNSUPPORTED_FORMAT', 'only DICOM, PNG, JPEG and TIFF files are read');
  }
  // Last: a data set without preamble has no signature, only a plausible beginning.
  if (isDicom(bytes)) return 'dicom';
  throw new ImagingError('NOT_AN_IMAGE', 'the file is not an image');
}
