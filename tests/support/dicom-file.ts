/** One kind of DICOM file, as small as it can be: explicit little endian, 16 bits allocated, one sample. PS3.5, PS3.10. */

/** Attributes that a test plants. */
export interface DicomText {
  readonly sopInstanceUid?: string;
  readonly accessionNumber?: string;
  readonly modality?: string;
  readonly patientName?: string;
  readonly patientId?: string;
  readonly bodyPart?: string;
  readonly viewPosition?: string;
}

const TEXTS: Readonly<Record<keyof DicomText, readonly [tag: number, vr: string]>> = {
  sopInstanceUid: [0x00080018, 'UI'],
  accessionNumber: [0x00080050, 'SH'],
  modality: [0x00080060, 'CS'],
  patientName: [0x00100010, 'PN'],
  patientId: [0x00100020, 'LO'],
  bodyPart: [0x00180015, 'CS'],
  viewPosition: [0x00185101, 'CS'],
};

export interface DicomPicture {
  /** Row by row, below 2^bitsStored. */
  readonly values: Uint16Array;
  readonly rows: number;
  readonly columns: number;
  readonly bitsStored: number;
  readonly texts?: DicomText;
}

type Element = readonly [tag: number, bytes: Buffer];

/** VRs whose length takes four bytes after two reserved ones. */
const LONG = new Set(['OB', 'OW']);

function element(tag: number, vr: string, value: Buffer): Element {
  const padding = value.length % 2 === 0 ? '' : vr === 'UI' || vr === 'OB' ? '\0' : ' ';
  const body = Buffer.concat([value, Buffer.from(padding)]);
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (LONG.has(vr)) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return [tag, Buffer.concat([head, body])];
}

const text = (tag: number, vr: string, value: string): Element => element(tag, vr, Buffer.from(value, 'latin1'));
const short = (tag: number, value: number): Element => element(tag, 'US', Buffer.from(Uint16Array.of(value).buffer));
const joined = (elements: readonly Element[]): Buffer =>
  Buffer.concat([...elements].sort(([a], [b]) => a - b).map(([, bytes]) => bytes));

/** The machine that runs the tests is little endian, as all that Node supports but one are. */
export function dicomFile({ values, rows, columns, bitsStored, texts = {} }: DicomPicture): Uint8Array {
  const planted = Object.entries(texts as Record<string, string>).map(([name, value]) =>
    text(...TEXTS[name as keyof DicomText], value),
  );
  const pixels = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const dataSet = joined([
    text(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.1.1'),
    ...planted,
    short(0x00280002, 1),
    text(0x00280004, 'CS', 'MONOCHROME2'),
    short(0x00280010, rows),
    short(0x00280011, columns),
    short(0x00280100, 16),
    short(0x00280101, bitsStored),
    short(0x00280102, bitsStored - 1),
    short(0x00280103, 0),
    element(0x7fe00010, 'OW', pixels),
  ]);
  const meta = joined([element(0x00020001, 'OB', Buffer.from([0, 1])), text(0x00020010, 'UI', '1.2.840.10008.1.2.1')]);
  const [, metaLength] = element(0x00020000, 'UL', Buffer.from(Uint32Array.of(meta.length).buffer));
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), metaLength, meta, dataSet]);
}
