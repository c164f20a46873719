/** Used by tests only: a minimal DICOM file, explicit little endian (PS3.5 7.1.2), monochrome, 16 bits allocated. */

export interface SampleDicom {
  readonly width: number;
  readonly height: number;
  /** Row by row, as stored. */
  readonly values: Uint16Array;
  readonly bitsStored?: number;
  /** Attributes such as `0x00100020: ['LO', 'P-1']`. */
  readonly attributes?: Readonly<Record<number, readonly [vr: string, text: string]>>;
}

const EXPLICIT_LE = '1.2.840.10008.1.2.1';

function element(tag: number, vr: string, value: Uint8Array): Buffer {
  const long = vr === 'OW' || vr === 'OB';
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (long) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

/** Padded to an even length, as the standard wants it. */
function text(tag: number, vr: string, value: string): Buffer {
  const padding = vr === 'UI' ? '\0' : ' ';
  return element(tag, vr, Buffer.from(value.length % 2 === 0 ? value : value + padding, 'latin1'));
}

const short = (tag: number, value: number): Buffer => element(tag, 'US', Uint8Array.of(value & 0xff, value >>> 8));

export function sampleDicom({ width, height, values, bitsStored = 16, attributes = {} }: SampleDicom): Buffer {
  const byTag = new Map<number, Buffer>([
    [0x00280002, short(0x00280002, 1)],
    [0x00280004, text(0x00280004, 'CS', 'MONOCHROME2')],
    [0x00280010, short(0x00280010, height)],
    [0x00280011, short(0x00280011, width)],
    [0x00280100, short(0x00280100, 16)],
    [0x00280101, short(0x00280101, bitsStored)],
    [0x00280102, short(0x00280102, bitsStored - 1)],
    [0x00280103, short(0x00280103, 0)],
  ]);
  for (const [tag, [vr, value]] of Object.entries(attributes)) byTag.set(Number(tag), text(Number(tag), vr, value));
  const sorted = [...byTag].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
  const pixels = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    text(0x00020010, 'UI', EXPLICIT_LE),
    ...sorted,
    element(0x7fe00010, 'OW', pixels),
  ]);
}
