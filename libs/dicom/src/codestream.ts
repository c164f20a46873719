/**
 * What a compressed image says of its own size, read before a codec is let near it: the codec allocates by this, and it
 * is attacker-controlled.
 */
import { DicomError } from './errors.js';

export interface CodestreamHeader {
  readonly columns: number;
  readonly rows: number;
  readonly samples: number;
  /** Bits per sample. */
  readonly precision: number;
}

/** Start of frame of each JPEG process that is read: baseline, extended, lossless; and JPEG-LS. ITU-T T.81 table B.1. */
const FRAMES = { jpeg: new Set([0xc0, 0xc1, 0xc2, 0xc3]), 'jpeg-ls': new Set([0xf7]) } as const;
const isStandalone = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

/**
 * @throws {@link DicomError} `DECODE_FAILED` if there is no such header; `TRUNCATED` if the codestream lacks its end, which
 *   codecs fill with grey instead of failing.
 */
export function codestreamHeader(bytes: Uint8Array, coding: 'jpeg' | 'jpeg-ls' | 'jpeg-2000'): CodestreamHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = coding === 'jpeg-2000' ? sizOf(view) : frameOf(view, FRAMES[coding]);
  if (header === undefined) throw new DicomError('DECODE_FAILED', `the pixel data is not ${coding}`);
  if (!hasEnd(bytes)) throw new DicomError('TRUNCATED', 'the compressed image lacks its end');
  return header;
}

/** Exactly one start of frame, before the first scan. */
function frameOf(view: DataView, frames: ReadonlySet<number>): CodestreamHeader | undefined {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  let header: CodestreamHeader | undefined;
  for (let at = 2; at + 4 <= view.byteLength;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff || isStandalone(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xda) return header;
    if (frames.has(marker)) {
      if (header !== undefined || at + 10 > view.byteLength) return undefined;
      header = {
        precision: view.getUint8(at + 4),
        rows: view.getUint16(at + 5),
        columns: view.getUint16(at + 7),
        samples: view.getUint8(at + 9),
      };
    }
    at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  return undefined;
}

/** SIZ, ITU-T T.800 A.5.1: always the second marker. Sub-sampled components are refused. */
function sizOf(view: DataView): CodestreamHeader | undefined {
  if (view.byteLength < 45 || view.getUint32(0) !== 0xff4fff51) return undefined;
  const [width, height, left, top, tileWidth, tileHeight, tileLeft, tileTop] = Array.from({ length: 8 }, (_, i) =>
    view.getUint32(8 + 4 * i),
  ) as [number, number, number, number, number, number, number, number];
  const samples = view.getUint16(40);
  if (view.byteLength < 42 + 3 * samples) return undefined;
  const precisions = new Set<number>();
  for (let i = 0; i < samples; i++) {
    precisions.add((view.getUint8(42 + 3 * i) & 127) + 1);
    if (view.getUint16(43 + 3 * i) !== 0x0101) return undefined;
  }
  const [precision] = precisions;
  if (precision === undefined || precisions.size > 1 || tileWidth === 0 || tileHeight === 0) return undefined;
  // A tile costs some hundred bytes before a pixel of it is decoded.
  const tiles = Math.ceil((width - tileLeft) / tileWidth) * Math.ceil((height - tileTop) / tileHeight);
  if (width <= left || height <= top || tileLeft > left || tileTop > top || tiles > 65_535) return undefined;
  return { columns: width - left, rows: height - top, samples, precision };
}

/** The end marker of all three codings is FFD9; padding to an even length may follow it. */
function hasEnd(bytes: Uint8Array): boolean {
  let last = bytes.length - 1;
  while (last > 0 && bytes[last] === 0) last--;
  return bytes[last] === 0xd9 && bytes[last - 1] === 0xff;
}
