/** The picture that a viewer shows first, as 16-bit grey. */
import { contentOf, type Dicom } from './dicom.js';
import { DicomError } from './errors.js';
import type { DicomFacts } from './facts.js';
import { palette } from './palette.js';
import { storedValues } from './stored-values.js';
import { toneCurve } from './tone.js';

export interface GreyImage {
  /** Row major, 0 black .. 65535 white. */
  readonly grey: Uint16Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Applies the modality LUT or rescale; then the first VOI LUT, else the first window, else the full range of the image's
 * values without padding; then MONOCHROME1 and Presentation LUT Shape. Colour becomes luma (ITU-R BT.601) over the full
 * range of its bits. Overlays, masks and shutters are not applied.
 *
 * @throws {@link DicomError} as `storedValues`; `UNSUPPORTED_PIXELS` for more than one frame: which one is meant is for the
 *   caller to decide, who sees `facts.frames`.
 */
export async function displayGrey(dicom: Dicom): Promise<GreyImage> {
  const { facts } = dicom;
  if (facts.frames !== 1) throw new DicomError('UNSUPPORTED_PIXELS', `the file holds ${facts.frames} frames, not one`);
  const values = await storedValues(dicom);
  const grey = new Uint16Array(facts.rows * facts.columns);
  if (facts.samples === 1) paint(grey, values, facts, curveOf(dicom, values));
  else paintLuma(grey, values, facts);
  return { grey, width: facts.columns, height: facts.rows };
}

function curveOf(dicom: Dicom, values: Int32Array): (value: number) => number {
  const { facts } = dicom;
  const { dataSet } = contentOf(dicom);
  if (facts.photometric !== 'PALETTE COLOR') return toneCurve(dataSet, facts, values);
  const colour = palette(dataSet, facts.signed);
  return (index) => {
    const [red = 0, green = 0, blue = 0] = colour(index);
    return luma(red, green, blue);
  };
}

/** Up to 16 bits every value is mapped at most once. */
function paint(grey: Uint16Array, values: Int32Array, facts: DicomFacts, curve: (value: number) => number): void {
  const tone = (value: number): number => Math.round(65_535 * Math.min(1, Math.max(0, curve(value))));
  if (facts.bitsStored > 16) {
    for (let i = 0; i < grey.length; i++) grey[i] = tone(values[i] ?? 0);
    return;
  }
  const offset = facts.signed ? 2 ** (facts.bitsStored - 1) : 0;
  const tones = new Int32Array(2 ** facts.bitsStored).fill(-1);
  for (let i = 0; i < grey.length; i++) {
    const value = values[i] ?? 0;
    let shown = tones[value + offset] ?? -1;
    if (shown < 0) {
      shown = tone(value);
      tones[value + offset] = shown;
    }
    grey[i] = shown;
  }
}

const luma = (red: number, green: number, blue: number): number => 0.299 * red + 0.587 * green + 0.114 * blue;

/** The Y of YBR is the luma already. */
function paintLuma(grey: Uint16Array, values: Int32Array, facts: DicomFacts): void {
  const isYbr = facts.photometric.startsWith('YBR_FULL');
  const scale = 65_535 / (2 ** facts.bitsStored - 1);
  for (let i = 0; i < grey.length; i++) {
    const [red = 0, green = 0, blue = 0] = [values[3 * i], values[3 * i + 1], values[3 * i + 2]];
    grey[i] = Math.round(scale * (isYbr ? red : luma(red, green, blue)));
  }
}
