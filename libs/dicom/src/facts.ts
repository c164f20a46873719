/** What a file says of itself, and the layout of its pixels. */
import { PIXEL_DATA } from './elements.js';
import { DicomError } from './errors.js';
import type { DataSet } from './part10.js';
import { decimal, text, uint16 } from './values.js';

/** It names the patient: it stays in the hospital. Absent and empty attributes are undefined. */
export interface DicomFacts {
  /** UID. */
  readonly transferSyntax: string;
  /** Such as 'JPEG 2000 (lossless only)'; the UID if unknown. */
  readonly transferSyntaxName: string;
  readonly sopInstanceUid?: string;
  readonly accessionNumber?: string;
  readonly patientId?: string;
  readonly modality?: string;
  readonly bodyPart?: string;
  readonly viewPosition?: string;
  /** Directions of a row and of a column, such as L and F. */
  readonly patientOrientation?: readonly string[];
  /** R, L, U or B: of the image, else of the series. */
  readonly laterality?: string;
  readonly seriesDescription?: string;
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
  /** Values per pixel: 1 or 3. */
  readonly samples: number;
  /** 8, 16 or 32. */
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly signed: boolean;
  readonly photometric: string;
}

/** What only the decoding needs. */
export interface PixelLayout {
  /** 0-based position of the highest stored bit. */
  readonly highBit: number;
  /** Each colour in a plane of its own, instead of pixel by pixel. */
  readonly planar: boolean;
}

const TAGS = {
  specificCharacterSet: 0x00080005,
  sopInstanceUid: 0x00080018,
  accessionNumber: 0x00080050,
  modality: 0x00080060,
  seriesDescription: 0x0008103e,
  patientId: 0x00100020,
  bodyPart: 0x00180015,
  viewPosition: 0x00185101,
  patientOrientation: 0x00200020,
  laterality: 0x00200060,
  imageLaterality: 0x00200062,
  samples: 0x00280002,
  photometric: 0x00280004,
  planarConfiguration: 0x00280006,
  frames: 0x00280008,
  rows: 0x00280010,
  columns: 0x00280011,
  bitsAllocated: 0x00280100,
  bitsStored: 0x00280101,
  highBit: 0x00280102,
  pixelRepresentation: 0x00280103,
  floatPixels: 0x7fe00008,
  doublePixels: 0x7fe00009,
} as const;

export const FACT_TAGS: readonly number[] = Object.values(TAGS);

/** @throws {@link DicomError} `NO_PIXEL_DATA`, `HEADER_INVALID`, `UNSUPPORTED_PIXELS`. */
export function readFacts(dataSet: DataSet): { readonly facts: DicomFacts; readonly layout: PixelLayout } {
  const { elements, syntax } = dataSet;
  if (!elements.has(PIXEL_DATA)) {
    if (elements.has(TAGS.floatPixels) || elements.has(TAGS.doublePixels)) throw unsupported('floating-point pixels');
    throw new DicomError('NO_PIXEL_DATA', 'the file holds no image');
  }
  const number = (tag: number, name: string, otherwise?: number): number => {
    const value = uint16(dataSet.view, elements.get(tag)) ?? otherwise;
    if (value === undefined) throw new DicomError('HEADER_INVALID', `the header has no ${name}`);
    return value;
  };
  const frames = decimal(dataSet, TAGS.frames, 'Number of Frames') ?? 1;
  const bitsAllocated = number(TAGS.bitsAllocated, 'Bits Allocated');
  const bitsStored = number(TAGS.bitsStored, 'Bits Stored', bitsAllocated);
  const photometric = text(dataSet, TAGS.photometric);
  if (photometric === undefined) {
    throw new DicomError('HEADER_INVALID', 'the header has no Photometric Interpretation');
  }
  const facts: DicomFacts = {
    transferSyntax: syntax.uid,
    transferSyntaxName: syntax.name,
    ...identity(dataSet),
    frames,
    rows: number(TAGS.rows, 'Rows'),
    columns: number(TAGS.columns, 'Columns'),
    samples: number(TAGS.samples, 'Samples per Pixel', 1),
    bitsAllocated,
    bitsStored,
    signed: number(TAGS.pixelRepresentation, 'Pixel Representation', 0) === 1,
    photometric,
  };
  const layout: PixelLayout = {
    highBit: number(TAGS.highBit, 'High Bit', bitsStored - 1),
    planar: number(TAGS.planarConfiguration, 'Planar Configuration', 0) === 1,
  };
  check(facts, layout);
  return { facts, layout };
}

type Identity = Omit<
  DicomFacts,
  | 'transferSyntax'
  | 'transferSyntaxName'
  | 'frames'
  | 'rows'
  | 'columns'
  | 'samples'
  | 'bitsAllocated'
  | 'bitsStored'
  | 'signed'
  | 'photometric'
>;

function identity(dataSet: DataSet): Identity {
  const entry = (name: keyof Identity, tag: number): Identity => {
    const value = text(dataSet, tag);
    return value === undefined ? {} : { [name]: value };
  };
  const orientation = text(dataSet, TAGS.patientOrientation)?.split('\\');
  return {
    ...entry('sopInstanceUid', TAGS.sopInstanceUid),
    ...entry('accessionNumber', TAGS.accessionNumber),
    ...entry('patientId', TAGS.patientId),
    ...entry('modality', TAGS.modality),
    ...entry('bodyPart', TAGS.bodyPart),
    ...entry('viewPosition', TAGS.viewPosition),
    ...(orientation && { patientOrientation: orientation.map((direction) => direction.trim()) }),
    ...entry('laterality', TAGS.laterality),
    ...entry('laterality', TAGS.imageLaterality),
    ...entry('seriesDescription', TAGS.seriesDescription),
  };
}

function check(facts: DicomFacts, { highBit, planar }: PixelLayout): void {
  const { frames, rows, columns, samples, bitsAllocated, bitsStored, signed, photometric } = facts;
  if (rows === 0 || columns === 0 || !Number.isSafeInteger(frames) || frames < 1) {
    throw new DicomError('HEADER_INVALID', 'the header gives the image no pixels');
  }
  if (![8, 16, 32].includes(bitsAllocated)) throw unsupported(`${bitsAllocated} bits allocated`);
  if (samples !== 1 && samples !== 3) throw unsupported(`${samples} samples per pixel`);
  if (bitsStored < 1 || bitsStored > bitsAllocated || highBit < bitsStored - 1 || highBit >= bitsAllocated) {
    throw new DicomError('HEADER_INVALID', 'Bits Allocated, Bits Stored and High Bit contradict each other');
  }
  if (bitsStored === 32 && !signed) throw unsupported('unsigned 32-bit pixels');
  if (
    !(samples === 1 ? /^(?:MONOCHROME[12]|PALETTE COLOR)$/ : /^(?:RGB|YBR_(?:FULL|FULL_422|ICT|RCT))$/).test(
      photometric,
    )
  ) {
    throw unsupported('this photometric interpretation');
  }
  if (photometric === 'YBR_FULL_422' && (bitsAllocated !== 8 || columns % 2 === 1 || planar)) {
    throw unsupported('this layout of YBR_FULL_422');
  }
}

const unsupported = (what: string): DicomError => new DicomError('UNSUPPORTED_PIXELS', `${what} cannot be read`);
