/** A parsed header. The bytes behind it are kept out of reach, so that printing a `Dicom` prints no pixels. */
import { PIXEL_DATA } from './elements.js';
import { FACT_TAGS, readFacts, type DicomFacts, type PixelLayout } from './facts.js';
import { readDataSet, type DataSet } from './part10.js';
import { PALETTE_TAGS } from './palette.js';
import { TONE_TAGS } from './tone.js';

export interface Dicom {
  readonly facts: DicomFacts;
}

/** What the decoding reads besides the facts. */
export interface Content {
  readonly dataSet: DataSet;
  readonly layout: PixelLayout;
}

const contents = new WeakMap<Dicom, Content>();
const wanted = new Set([...FACT_TAGS, ...TONE_TAGS, ...PALETTE_TAGS, PIXEL_DATA]);

/**
 * Reads the header; pixels are not touched, except that a deflated data set is inflated.
 *
 * @param bytes - a whole file. Not modified, and not copied: it must not change while the result is in use.
 * @throws {@link DicomError} `NOT_DICOM`, `HEADER_INVALID`, `NO_PIXEL_DATA`, `TRUNCATED` (inside the header),
 *   `UNSUPPORTED_PIXELS`, `IMAGE_TOO_LARGE` and `DECODE_FAILED` (a deflated data set that is a bomb, or damaged).
 */
export function parseDicom(bytes: Uint8Array): Dicom {
  const dataSet = readDataSet(bytes, wanted);
  const { facts, layout } = readFacts(dataSet);
  const dicom: Dicom = { facts };
  contents.set(dicom, { dataSet, layout });
  return dicom;
}

export function contentOf(dicom: Dicom): Content {
  const content = contents.get(dicom);
  if (content === undefined) throw new TypeError('a Dicom comes from parseDicom');
  return content;
}
