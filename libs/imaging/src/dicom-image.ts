/** DICOM files as squares of greys. Reading them is the work of @consilium/dicom; its reasons become ours. */
import { DicomError, displayGrey, parseDicom, type DicomErrorCode, type DicomFacts } from '@consilium/dicom';
import sharp from 'sharp';
import { ImagingError, type ImagingErrorCode } from './errors.js';
import { type SquareGrey, WINDOW_MIN_16_BIT, WINDOW_MIN_8_BIT } from './raster.js';
import { PIXELS_MAX, squared } from './square.js';

export interface DicomImage extends SquareGrey {
  readonly facts: DicomFacts;
}

const codeOf = (code: DicomErrorCode): ImagingErrorCode => (code === 'NOT_DICOM' ? 'NOT_AN_IMAGE' : code);

/** Fewer greys than this in a whole film are noise on an empty detector, however far a window spreads them. */
const GREYS_MIN = 8;

function hasPicture(grey: Uint16Array): boolean {
  const seen = new Set<number>();
  for (const level of grey) if (seen.add(level).size >= GREYS_MIN) return true;
  return false;
}

async function decode(bytes: Uint8Array): Promise<DicomImage> {
  const dicom = parseDicom(bytes);
  const { facts } = dicom;
  if (facts.frames > 1) throw new ImagingError('MULTI_FRAME', 'the file has several frames');
  const { grey, width, height } = await displayGrey(dicom);
  if (!hasPicture(grey)) throw new ImagingError('NEARLY_BLANK', 'the image shows almost one grey only');
  const image = sharp(grey, { raw: { width, height, channels: 1 }, limitInputPixels: PIXELS_MAX });
  const windowMin = facts.bitsStored > 8 ? WINDOW_MIN_16_BIT : WINDOW_MIN_8_BIT;
  return { grey: await squared(image.toColourspace('grey16')), width, height, windowMin, facts };
}

/**
 * @param bytes - a whole DICOM file; attacker-controlled.
 * @returns the picture as a viewer shows it at first: the file's own window, bones white.
 * @throws {@link ImagingError} with the code of the DicomError; `MULTI_FRAME` before decoding; `NEARLY_BLANK`.
 */
export async function readDicom(bytes: Uint8Array): Promise<DicomImage> {
  try {
    return await decode(bytes);
  } catch (cause) {
    if (!(cause instanceof DicomError)) throw cause;
    throw new ImagingError(codeOf(cause.code), cause.message, { cause });
  }
}
