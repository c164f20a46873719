/** Writes small DICOM files, sound or not, for tests. Nothing of the product imports it. */
import { deflateRawSync } from 'node:zlib';

export interface Attribute {
  readonly tag: number;
  readonly vr: string;
  /** Numbers are written as the VR says (US, SS, UL, OW: 16, 16, 32, 16 bits); an array of arrays is a sequence's items. */
  readonly value: string | number | readonly number[] | Uint8Array | readonly (readonly Attribute[])[];
  /** A sequence closed by delimiters, as its items; pixel data in fragments brings its own. */
  readonly undefinedLength?: boolean;
}

export type SampleSyntax = 'implicit' | 'explicit' | 'big-endian' | 'deflated' | 'rle';
export const SYNTAX_UIDS = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  'big-endian': '1.2.840.10008.1.2.2',
  deflated: '1.2.840.10008.1.2.1.99',
  rle: '1.2.840.10008.1.2.5',
} as const;

export interface SampleImage {
  readonly rows: number;
  readonly columns: number;
  /** Cells in the order of the file, written as they are: whatever is in the unused bits stays there. */
  readonly cells: readonly number[];
  /** Default 16. */
  readonly bitsAllocated?: 8 | 16 | 32;
  /** Default bitsAllocated. */
  readonly bitsStored?: number;
  /** Default bitsStored - 1. */
  readonly highBit?: number;
  readonly signed?: boolean;
  readonly samples?: number;
  readonly planar?: boolean;
  readonly frames?: number;
  /** Default MONOCHROME2. */
  readonly photometric?: string;
  /** Default explicit. */
  readonly syntax?: SampleSyntax;
  /** Replace those with the same tag. */
  readonly attributes?: readonly Attribute[];
  /** Tags left out. */
  readonly without?: readonly number[];
  /** Default true; false gives a bare data set without preamble and meta header. */
  readonly meta?: boolean;
}

export const attribute = (tag: number, vr: string, value: Attribute['value']): Attribute => ({ tag, vr, value });

/** A chest X-ray by its header, with invented identifiers. */
export function sampleDicom(image: SampleImage): Uint8Array {
  const { syntax = 'explicit', meta = true } = image;
  const own = imageAttributes(image, syntax).filter(({ tag }) => !image.without?.includes(tag));
  const replaced = new Set(image.attributes?.map(({ tag }) => tag));
  const attributes = [...own.filter(({ tag }) => !replaced.has(tag)), ...(image.attributes ?? [])];
  return dicomFile(
    attributes.toSorted((a, b) => a.tag - b.tag),
    syntax,
    meta,
  );
}

/** Any data set, in the order given. */
export function dicomFile(attributes: readonly Attribute[], syntax: SampleSyntax, meta = true): Uint8Array {
  const dataSet = encoded(attributes, syntax);
  const body = syntax === 'deflated' ? deflateRawSync(dataSet) : dataSet;
  return meta ? withMeta(body, SYNTAX_UIDS[syntax]) : new Uint8Array(body);
}

/** Preamble and meta header before a data set that is already written. */
export function withMeta(body: Uint8Array, transferSyntaxUid: string): Uint8Array {
  const head = Buffer.alloc(132);
  head.write('DICM', 128);
  const meta = encoded([attribute(0x00020010, 'UI', transferSyntaxUid)], 'explicit');
  return new Uint8Array(Buffer.concat([head, meta, body]));
}

/** Items of encapsulated pixel data, with an empty offset table and a delimiter. */
export const fragments = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat([item(new Uint8Array(0)), ...parts.map(item), Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0])]),
  );

/** One RLE frame; runs where three bytes or more are equal, so that both kinds of packet occur. */
export function rleFrame(cells: readonly number[], samples: number, bytesPerValue: number): Uint8Array {
  const segments: Buffer[] = [];
  for (let sample = 0; sample < samples; sample++) {
    for (let byte = bytesPerValue - 1; byte >= 0; byte--) {
      const plane = cells.filter((_, i) => i % samples === sample).map((cell) => (cell >>> (8 * byte)) & 255);
      const packed = packBits(plane);
      segments.push(Buffer.from(packed.length % 2 === 1 ? [...packed, 128] : packed));
    }
  }
  const header = Buffer.alloc(64);
  header.writeUInt32LE(segments.length, 0);
  let at = 64;
  segments.forEach((segment, i) => {
    header.writeUInt32LE(at, 4 + 4 * i);
    at += segment.length;
  });
  return new Uint8Array(Buffer.concat([header, ...segments]));
}

function imageAttributes(image: SampleImage, syntax: SampleSyntax): Attribute[] {
  const { rows, columns, cells, bitsAllocated = 16, samples = 1, frames = 1, photometric = 'MONOCHROME2' } = image;
  const bitsStored = image.bitsStored ?? bitsAllocated;
  const pixels =
    syntax === 'rle'
      ? fragments(
          ...Array.from({ length: frames }, (_, i) => {
            const perFrame = cells.length / frames;
            return rleFrame(cells.slice(i * perFrame, (i + 1) * perFrame), samples, bitsAllocated / 8);
          }),
        )
      : cellBytes(cells, bitsAllocated, syntax === 'big-endian');
  return [
    attribute(0x00080018, 'UI', '1.2.3.4'),
    attribute(0x00080050, 'SH', 'A-17'),
    attribute(0x00080060, 'CS', 'DX'),
    attribute(0x0008103e, 'LO', 'Thorax pa'),
    attribute(0x00100020, 'LO', 'P-0815'),
    attribute(0x00180015, 'CS', 'CHEST'),
    attribute(0x00185101, 'CS', 'PA'),
    attribute(0x00200020, 'CS', 'L\\F'),
    attribute(0x00280002, 'US', samples),
    attribute(0x00280004, 'CS', photometric),
    ...(samples > 1 ? [attribute(0x00280006, 'US', image.planar ? 1 : 0)] : []),
    ...(frames > 1 ? [attribute(0x00280008, 'IS', String(frames))] : []),
    attribute(0x00280010, 'US', rows),
    attribute(0x00280011, 'US', columns),
    attribute(0x00280100, 'US', bitsAllocated),
    attribute(0x00280101, 'US', bitsStored),
    attribute(0x00280102, 'US', image.highBit ?? bitsStored - 1),
    attribute(0x00280103, 'US', image.signed ? 1 : 0),
    { tag: 0x7fe00010, vr: bitsAllocated === 8 ? 'OB' : 'OW', value: pixels, undefinedLength: syntax === 'rle' },
  ];
}

function cellBytes(cells: readonly number[], bits: 8 | 16 | 32, bigEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer((cells.length * bits) / 8));
  cells.forEach((cell, i) => {
    if (bits === 8) view.setUint8(i, cell);
    else if (bits === 16) view.setUint16(2 * i, cell, !bigEndian);
    else view.setUint32(4 * i, cell, !bigEndian);
  });
  return new Uint8Array(view.buffer);
}

/** A data set without preamble and meta header, never deflated. */
export function encoded(attributes: readonly Attribute[], syntax: SampleSyntax): Uint8Array {
  const bigEndian = syntax === 'big-endian';
  const u16 = (value: number): number[] => (bigEndian ? [value >>> 8, value & 255] : [value & 255, value >>> 8]);
  const u32 = (value: number): number[] => {
    const [high, low] = [value >>> 16, value & 65_535];
    return bigEndian ? [...u16(high), ...u16(low)] : [...u16(low), ...u16(high)];
  };
  const parts = attributes.map(({ tag, vr, value, undefinedLength = false }) => {
    const body = valueBytes(value, vr, syntax, undefinedLength);
    const length = undefinedLength ? 0xffffffff : body.length;
    const head = [...u16(tag >>> 16), ...u16(tag & 65_535)];
    if (syntax === 'implicit') head.push(...u32(length));
    else if (/^(?:O[BDFLVW]|SQ|U[CNRT])$/.test(vr)) head.push(...Buffer.from(vr), 0, 0, ...u32(length));
    else head.push(...Buffer.from(vr), ...u16(length));
    return Buffer.concat([Buffer.from(head), body]);
  });
  return new Uint8Array(Buffer.concat(parts));
}

function valueBytes(value: Attribute['value'], vr: string, syntax: SampleSyntax, undefinedLength: boolean): Uint8Array {
  if (value instanceof Uint8Array) return value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.alloc(1)]);
  if (typeof value === 'string')
    return Buffer.from(value.length % 2 === 0 ? value : `${value}${vr === 'UI' ? '\0' : ' '}`);
  const list = typeof value === 'number' ? [value] : value;
  const numbers = list.filter((entry) => typeof entry === 'number');
  const bigEndian = syntax === 'big-endian';
  if (vr !== 'SQ') return cellBytes(numbers, vr === 'UL' ? 32 : 16, bigEndian);
  const marker = (element: number, length: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes[bigEndian ? 'writeUInt16BE' : 'writeUInt16LE'](0xfffe, 0);
    bytes[bigEndian ? 'writeUInt16BE' : 'writeUInt16LE'](element, 2);
    bytes[bigEndian ? 'writeUInt32BE' : 'writeUInt32LE'](length, 4);
    return bytes;
  };
  const items = list.flatMap((entry) => {
    if (typeof entry === 'number') return [];
    const body = encoded(entry, syntax);
    return undefinedLength
      ? [marker(0xe000, 0xffffffff), body, marker(0xe00d, 0)]
      : [marker(0xe000, body.length), body];
  });
  return Buffer.concat(undefinedLength ? [...items, marker(0xe0dd, 0)] : items);
}

function item(value: Uint8Array): Buffer {
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(value.length + (value.length % 2), 4);
  return Buffer.concat([head, value, Buffer.alloc(value.length % 2)]);
}

function packBits(bytes: readonly number[]): number[] {
  const packed: number[] = [];
  let literals: number[] = [];
  const flush = (): void => {
    if (literals.length > 0) packed.push(literals.length - 1, ...literals);
    literals = [];
  };
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    let run = 1;
    while (run < 128 && bytes[at + run] === byte && at + run < bytes.length) run++;
    if (run > 2) {
      flush();
      packed.push(257 - run, byte);
    } else {
      if (literals.length + run > 128) flush();
      for (let i = 0; i < run; i++) literals.push(byte);
    }
    at += run;
  }
  flush();
  return packed;
}
