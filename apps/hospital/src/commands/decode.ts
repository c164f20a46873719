/** `data decode`: the stored values of one file as a digest, to compare with another program's reading of it. */
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { sha256Hex } from '@consilium/bytes';
import { DicomError, parseDicom, storedValues } from '@consilium/dicom';
import { formatOf, ImagingError, readImageFile } from '@consilium/imaging';
import sharp from 'sharp';

export interface DecodedFile {
  readonly rows: number;
  readonly columns: number;
  /** Stored bits of a sample. */
  readonly bits: number;
  readonly photometric: string;
  /** UID; null for a file that is not DICOM. */
  readonly transferSyntax: string | null;
  /** Of the stored values, before any window or look-up table, as little-endian int32: row by row, samples of a pixel together. */
  readonly sha256: string;
}

const PIXELS_MAX = 100_000_000;

function digestOf(values: ArrayLike<number>): string {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let k = 0; k < values.length; k++) view.setInt32(4 * k, values[k] as number, true);
  return sha256Hex(bytes);
}

async function decodeDicom(bytes: Uint8Array): Promise<DecodedFile> {
  try {
    const dicom = parseDicom(bytes);
    const { rows, columns, bitsStored, photometric, transferSyntax } = dicom.facts;
    const sha256 = digestOf(await storedValues(dicom));
    return { rows, columns, bits: bitsStored, photometric, transferSyntax, sha256 };
  } catch (cause) {
    if (!(cause instanceof DicomError)) throw cause;
    throw new ImagingError(cause.code === 'NOT_DICOM' ? 'NOT_AN_IMAGE' : cause.code, cause.message, { cause });
  }
}

/** Colour spaces that keep the samples of the file, by depth. */
const GREY = { 8: 'b-w', 16: 'grey16' } as const;
const COLOUR = { 8: 'srgb', 16: 'rgb16' } as const;

async function decodeRaster(bytes: Uint8Array): Promise<DecodedFile> {
  const { width, height, depth, space, pages } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new ImagingError('NOT_AN_IMAGE', 'the header of the image cannot be read', { cause });
    });
  if (width * height > PIXELS_MAX) {
    throw new ImagingError('IMAGE_TOO_LARGE', `the image has more than ${PIXELS_MAX} pixels`);
  }
  if ((pages ?? 1) > 1) throw new ImagingError('MULTI_FRAME', 'the file has several pages');
  const isGrey = space === 'b-w' || space === 'grey16';
  const bits = depth === 'ushort' ? 16 : 8;
  const data = await sharp(bytes, { limitInputPixels: PIXELS_MAX, failOn: 'warning', ignoreIcc: true })
    .removeAlpha()
    .toColourspace((isGrey ? GREY : COLOUR)[bits])
    .raw({ depth: bits === 16 ? 'ushort' : 'uchar' })
    .toBuffer()
    .catch((cause: unknown) => {
      throw new ImagingError('TRUNCATED', 'the image is cut off or damaged', { cause });
    });
  const samples = bits === 16 ? new Uint16Array(Uint8Array.from(data).buffer) : data;
  const photometric = isGrey ? 'MONOCHROME2' : 'RGB';
  return { rows: height, columns: width, bits, photometric, transferSyntax: null, sha256: digestOf(samples) };
}

/** @throws ImagingError with the code of what is wrong with the file. */
export async function decode(file: string): Promise<DecodedFile> {
  // The person named this file, so a link to it is followed.
  const path = await realpath(file).catch(() => {
    throw new ImagingError('FILE_MISSING', 'the file does not exist');
  });
  const bytes = await readImageFile(dirname(path), basename(path));
  return formatOf(bytes) === 'dicom' ? decodeDicom(bytes) : decodeRaster(bytes);
}
