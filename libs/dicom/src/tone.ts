/** Stored value to display value, in the order of PS3.3 C.11: modality transform, value of interest, presentation. */
import { firstItem, type Element, type Elements } from './elements.js';
import { DicomError } from './errors.js';
import type { DicomFacts } from './facts.js';
import { lookUpTable, type LookUpTable } from './look-up-table.js';
import type { DataSet } from './part10.js';
import { decimal, text, uint16 } from './values.js';

const TAGS = {
  pixelPaddingValue: 0x00280120,
  pixelPaddingLimit: 0x00280121,
  windowCenter: 0x00281050,
  windowWidth: 0x00281051,
  rescaleIntercept: 0x00281052,
  rescaleSlope: 0x00281053,
  voiLutFunction: 0x00281056,
  modalityLuts: 0x00283000,
  voiLuts: 0x00283010,
  presentationLutShape: 0x20500020,
} as const;
export const TONE_TAGS: readonly number[] = Object.values(TAGS);

const LUT_DESCRIPTOR = 0x00283002;
const LUT_DATA = 0x00283006;
const LUT_TAGS = new Set([LUT_DESCRIPTOR, LUT_DATA]);

type Curve = (value: number) => number;

/**
 * @param values - stored values of a monochrome image; their range stands in for a missing window, without padding.
 * @returns Stored value to grey, 0..1, where 1 is white: MONOCHROME1 is already inverted.
 * @throws {@link DicomError} `HEADER_INVALID` for a table or a rescale that cannot be meant.
 */
export function toneCurve(dataSet: DataSet, facts: DicomFacts, values: Int32Array): Curve {
  const modality = modalityTransform(dataSet, facts);
  const interest = valueOfInterest(dataSet, () => rangeOf(values, modality, paddingOf(dataSet, facts)));
  // In the DX modules INVERSE accompanies MONOCHROME1 (PS3.3 C.8.11.3): one inversion said twice, so it is done once.
  const inverted =
    facts.photometric === 'MONOCHROME1' || text(dataSet, TAGS.presentationLutShape)?.toUpperCase() === 'INVERSE';
  return inverted ? (value) => 1 - interest(modality(value)) : (value) => interest(modality(value));
}

function modalityTransform(dataSet: DataSet, facts: DicomFacts): Curve {
  const lut = sequenceLut(dataSet, TAGS.modalityLuts, facts.signed);
  if (lut !== undefined) return lut.at;
  const slope = decimal(dataSet, TAGS.rescaleSlope, 'Rescale Slope') ?? 1;
  const intercept = decimal(dataSet, TAGS.rescaleIntercept, 'Rescale Intercept') ?? 0;
  if (slope === 0) throw new DicomError('HEADER_INVALID', 'Rescale Slope is zero');
  return (value) => value * slope + intercept;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** A table before a window, as vendors write their own curve there; a window of no width is none. */
function valueOfInterest(dataSet: DataSet, range: () => Range): Curve {
  const lut = dataSet.elements.has(TAGS.voiLuts) && sequenceLut(dataSet, TAGS.voiLuts, range().low < 0);
  if (lut) return (value) => lut.at(value) / lut.maximum;

  const center = decimal(dataSet, TAGS.windowCenter, 'Window Center');
  const width = decimal(dataSet, TAGS.windowWidth, 'Window Width');
  const shape = text(dataSet, TAGS.voiLutFunction)?.toUpperCase() ?? 'LINEAR';
  if (center !== undefined && width !== undefined && width > 0) {
    if (shape === 'SIGMOID') return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
    if (shape === 'LINEAR_EXACT') return ramp(center - width / 2, center + width / 2);
    // PS3.3 C.11.2.1.2.1: a width of 1 is a threshold.
    if (width >= 1) return ramp(center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2);
  }
  const { low, high } = range();
  return ramp(low, high);
}

/** 0 up to `low`, 1 above `high`, and a line between. */
const ramp =
  (low: number, high: number): Curve =>
  (value) =>
    value <= low ? 0 : value > high ? 1 : (value - low) / (high - low);

/** Of the output of `modality`; each stored value is mapped, since a table need not be monotonic. */
function rangeOf(values: Int32Array, modality: Curve, isPadding: (value: number) => boolean): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (isPadding(value)) continue;
    const mapped = modality(value);
    if (mapped < low) low = mapped;
    if (mapped > high) high = mapped;
  }
  return low > high ? { low: 0, high: 0 } : { low, high };
}

/** Padding outside the collimated field is no part of the image's range (PS3.3 C.7.5.1.1.2). */
function paddingOf({ view, elements }: DataSet, { signed }: DicomFacts): (value: number) => boolean {
  const sign = (value: number): number => (signed ? (value << 16) >> 16 : value);
  const value = uint16(view, elements.get(TAGS.pixelPaddingValue));
  if (value === undefined) return () => false;
  const limit = uint16(view, elements.get(TAGS.pixelPaddingLimit)) ?? value;
  const [low, high] = [Math.min(sign(value), sign(limit)), Math.max(sign(value), sign(limit))];
  return (stored) => stored >= low && stored <= high;
}

function sequenceLut(dataSet: DataSet, tag: number, signedInput: boolean): LookUpTable | undefined {
  const sequence: Element | undefined = dataSet.elements.get(tag);
  const item: Elements | undefined = sequence && firstItem(dataSet.view, sequence, LUT_TAGS);
  return item && lookUpTable(dataSet.view, item.get(LUT_DESCRIPTOR), item.get(LUT_DATA), signedInput);
}
