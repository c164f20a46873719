/** The compressed bytes of each frame: fragments of PS3.5 A.4, put together. */
import { PIXEL_DATA, readFragments } from './elements.js';
import { DicomError } from './errors.js';
import { MAX_FRAGMENTS } from './limits.js';
import type { DataSet } from './part10.js';

/**
 * @param frames - as the header declares; only as many as there are fragments can come back.
 * @returns One byte string per frame, together no longer than the file.
 * @throws {@link DicomError} `HEADER_INVALID`, `TRUNCATED`; `UNSUPPORTED_PIXELS` if it cannot be told which fragment
 *   belongs to which frame.
 */
export function encapsulatedFrames({ view, elements }: DataSet, frames: number): Uint8Array[] {
  const pixelData = elements.get(PIXEL_DATA);
  if (!pixelData?.undefinedLength) {
    throw new DicomError('HEADER_INVALID', 'compressed pixel data does not come in fragments');
  }
  const [table, ...fragments] = readFragments(view, pixelData, MAX_FRAGMENTS);
  const base = fragments[0]?.[0];
  if (table === undefined || base === undefined)
    throw new DicomError('TRUNCATED', 'there is no fragment of pixel data');
  const bytes = ([start, end]: readonly [number, number]): Uint8Array =>
    new Uint8Array(view.buffer, view.byteOffset + start, end - start);

  if (frames === 1) return [joined(fragments.map(bytes))];
  if (frames === fragments.length) return fragments.map(bytes);
  if (table[1] - table[0] !== 4 * frames) {
    throw new DicomError('UNSUPPORTED_PIXELS', 'the fragments of pixel data do not tell the frames apart');
  }
  // Offsets count from the first fragment's item header, which is 8 bytes before its value.
  const frameOf = new Map<number, number>();
  for (let frame = 0; frame < frames; frame++) {
    frameOf.set(base + view.getUint32(table[0] + 4 * frame, true), frame);
  }
  const parts: Uint8Array[][] = [];
  for (const fragment of fragments) {
    if (frameOf.get(fragment[0]) === parts.length) parts.push([]);
    parts.at(-1)?.push(bytes(fragment));
  }
  if (parts.length !== frames) throw new DicomError('HEADER_INVALID', 'the offset table does not match the fragments');
  return parts.map(joined);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first, ...more] = parts;
  return first !== undefined && more.length === 0 ? first : Buffer.concat(parts);
}
