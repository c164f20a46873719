/** Bytes to values: the stored bits out of their cell, with their sign (PS3.5 section 8). */
import { DicomError } from './errors.js';

export interface Packing {
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  /** Bits above it and below `highBit - bitsStored + 1` hold overlays or rubbish and are dropped. */
  readonly highBit: number;
  readonly signed: boolean;
  readonly littleEndian: boolean;
}

/**
 * Some writers store values that need more bits than they declare, in cells that are sign-extended whole. Such a file tells
 * itself apart: the bits above the declared ones are all 0 or all 1 in every cell, some negative values are extended
 * rightly, and some cells would have to be negative but are not. Rubbish or an overlay up there looks otherwise.
 *
 * @returns the bits to read: all of the cell for such a file, else those declared.
 */
export function meantPacking(bytes: Uint8Array, packing: Packing): Packing {
  const { bitsAllocated, bitsStored, highBit, signed, littleEndian } = packing;
  if (!signed || bitsAllocated !== 16 || bitsStored === 16 || highBit !== bitsStored - 1) return packing;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ones = 0xffff >>> bitsStored;
  let [extended, contradicting] = [false, false];
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const cell = view.getUint16(at, littleEndian);
    const above = cell >>> bitsStored;
    const isNegative = ((cell >>> highBit) & 1) === 1;
    if (above !== 0 && (above !== ones || !isNegative)) return packing;
    if (isNegative && above === ones) extended = true;
    if (isNegative && above === 0) contradicting = true;
  }
  return extended && contradicting ? { ...packing, bitsStored: 16, highBit: 15 } : packing;
}

/**
 * Fills `target`, whose length is that of one frame.
 *
 * @param bytes - at least target.length cells.
 * @param planes - 1 if the samples of a pixel lie together; else their number, and each has its own plane.
 */
export function unpackValues(bytes: Uint8Array, packing: Packing, planes: number, target: Int32Array): void {
  const { bitsAllocated, bitsStored, highBit, signed, littleEndian } = packing;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const left = 31 - highBit;
  const right = 32 - bitsStored;
  const pixels = target.length / planes;
  for (let plane = 0; plane < planes; plane++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const i = plane * pixels + pixel;
      const cell =
        bitsAllocated === 16
          ? view.getUint16(2 * i, littleEndian)
          : bitsAllocated === 8
            ? view.getUint8(i)
            : view.getUint32(4 * i, littleEndian);
      target[pixel * planes + plane] = signed ? (cell << left) >> right : (cell << left) >>> right;
    }
  }
}

/** YBR_FULL_422 (PS3.3 C.7.6.3.1.2): Y Y Cb Cr for two pixels, to Y Cb Cr for each. */
export function unpackYbr422(bytes: Uint8Array, target: Int32Array): void {
  for (let i = 0; 6 * i < target.length; i++) {
    const [first = 0, second = 0, blue = 0, red = 0] = bytes.subarray(4 * i, 4 * i + 4);
    target.set([first, blue, red, second, blue, red], 6 * i);
  }
}

/** @throws {@link DicomError} `DECODE_FAILED` if a codec gave more bits than the header says are stored. */
export function checkRange(values: Int32Array, { bitsStored, signed }: Pick<Packing, 'bitsStored' | 'signed'>): void {
  const low = signed ? -(2 ** (bitsStored - 1)) : 0;
  const high = low + 2 ** bitsStored - 1;
  for (const value of values) {
    if (value < low || value > high) {
      throw new DicomError('DECODE_FAILED', 'the compressed image has more bits than the header says');
    }
  }
}
