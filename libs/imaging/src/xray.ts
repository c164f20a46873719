/** From the bytes of a file to the 224x224 greys that the backbone sees. All hospitals of a run do exactly this. */
import type { DicomFacts } from '@consilium/dicom';
import { readDicom } from './dicom-image.js';
import { formatOf, type ImageFormat } from './format.js';
import { readRaster } from './raster.js';
import { windowed } from './window.js';

/** Part of the key of every cached embedding. It changes with any change of the numbers that {@link readXray} gives. */
export const PREPROCESSING_VERSION = 'grey16-whole-224-p0.5-p99.5/1';

export interface XrayImage {
  readonly format: ImageFormat;
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
  /** Shape (224, 224), row by row from the top left, [0, 1], windowed to its own percentiles 0.5 and 99.5. */
  readonly pixels: Float32Array<ArrayBuffer>;
  /** What a DICOM file says of itself; names a patient, so it stays in the hospital and out of its logs. */
  readonly dicom?: DicomFacts;
}

/**
 * @param bytes - a whole DICOM, PNG, JPEG or TIFF file with one picture, grey or colour; attacker-controlled. Not modified.
 * @throws {@link ImagingError} one of the codes that the README lists, and no other kind of error.
 */
export async function readXray(bytes: Uint8Array): Promise<XrayImage> {
  const format = formatOf(bytes);
  if (format === 'dicom') {
    const { grey, width, height, windowMin, facts } = await readDicom(bytes);
    return { format, width, height, pixels: windowed(grey, windowMin), dicom: facts };
  }
  const { grey, width, height, windowMin } = await readRaster(bytes);
  return { format, width, height, pixels: windowed(grey, windowMin) };
}

/** {@link readXray} for the pixels alone. */
export const decodeImage = async (bytes: Uint8Array): Promise<Float32Array> => (await readXray(bytes)).pixels;
