/** The encodings of PS3.6 annex A that carry images, and which of them are read here. */
import { EXPLICIT_LE, IMPLICIT_LE, type Encoding } from './elements.js';

/** How the pixels are stored; `native` is uncompressed. */
export type PixelCoding = 'native' | 'rle' | 'jpeg' | 'jpeg-ls' | 'jpeg-2000';

export interface TransferSyntax {
  readonly uid: string;
  readonly name: string;
  readonly encoding: Encoding;
  readonly deflated: boolean;
  /** Undefined: known by name and not read. */
  readonly coding: PixelCoding | undefined;
}

const EXPLICIT_BE: Encoding = { explicit: true, littleEndian: false };

const root = '1.2.840.10008.1.2';
export const IMPLICIT_LE_UID = root;
export const EXPLICIT_LE_UID = `${root}.1`;
export const EXPLICIT_BE_UID = `${root}.2`;
export const DEFLATED_UID = `${root}.1.99`;

const compressed: readonly (readonly [suffix: string, name: string, coding: PixelCoding | undefined])[] = [
  ['5', 'RLE Lossless', 'rle'],
  ['4.50', 'JPEG Baseline (8 bit)', 'jpeg'],
  ['4.51', 'JPEG Extended (12 bit)', 'jpeg'],
  ['4.57', 'JPEG Lossless (Process 14)', 'jpeg'],
  ['4.70', 'JPEG Lossless (Process 14, Selection Value 1)', 'jpeg'],
  ['4.80', 'JPEG-LS Lossless', 'jpeg-ls'],
  ['4.81', 'JPEG-LS Near-Lossless', 'jpeg-ls'],
  ['4.90', 'JPEG 2000 (lossless only)', 'jpeg-2000'],
  ['4.91', 'JPEG 2000', 'jpeg-2000'],
  ['4.92', 'JPEG 2000 Part 2 Multi-component (lossless only)', undefined],
  ['4.93', 'JPEG 2000 Part 2 Multi-component', undefined],
  ['4.94', 'JPIP Referenced', undefined],
  ['4.95', 'JPIP Referenced Deflate', undefined],
  ['4.100', 'MPEG2 Main Profile / Main Level', undefined],
  ['4.101', 'MPEG2 Main Profile / High Level', undefined],
  ['4.102', 'MPEG-4 AVC/H.264 High Profile', undefined],
  ['4.103', 'MPEG-4 AVC/H.264 BD-compatible', undefined],
  ['4.107', 'HEVC/H.265 Main Profile', undefined],
  ['4.108', 'HEVC/H.265 Main 10 Profile', undefined],
  ['4.110', 'JPEG XL Lossless', undefined],
  ['4.111', 'JPEG XL JPEG Recompression', undefined],
  ['4.112', 'JPEG XL', undefined],
  ['4.201', 'High-Throughput JPEG 2000 (lossless only)', undefined],
  ['4.202', 'High-Throughput JPEG 2000 with RPCL Options (lossless only)', undefined],
  ['4.203', 'High-Throughput JPEG 2000', undefined],
];

const known = new Map(
  [
    native(IMPLICIT_LE_UID, 'Implicit VR Little Endian', IMPLICIT_LE),
    native(EXPLICIT_LE_UID, 'Explicit VR Little Endian', EXPLICIT_LE),
    native(EXPLICIT_BE_UID, 'Explicit VR Big Endian', EXPLICIT_BE),
    { ...native(DEFLATED_UID, 'Deflated Explicit VR Little Endian', EXPLICIT_LE), deflated: true },
    ...compressed.map(([suffix, name, coding]) => ({
      ...native(`${root}.${suffix}`, name, EXPLICIT_LE),
      coding,
    })),
  ].map((syntax) => [syntax.uid, syntax]),
);

function native(uid: string, name: string, encoding: Encoding): TransferSyntax {
  return { uid, name, encoding, deflated: false, coding: 'native' };
}

/** An unknown syntax keeps its UID as its name. PS3.5 A.4: whatever is not listed is explicit little endian. */
export const transferSyntax = (uid: string): TransferSyntax =>
  known.get(uid) ?? { uid, name: uid, encoding: EXPLICIT_LE, deflated: false, coding: undefined };
