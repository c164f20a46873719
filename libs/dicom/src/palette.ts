/** PALETTE COLOR: an index per pixel into a red, a green and a blue table (PS3.3 C.7.6.3.1.5). */
import { DicomError } from './errors.js';
import { lookUpTable } from './look-up-table.js';
import type { DataSet } from './part10.js';

const DESCRIPTORS = [0x00281101, 0x00281102, 0x00281103] as const;
const ENTRIES = [0x00281201, 0x00281202, 0x00281203] as const;
const SEGMENTED_RED = 0x00281221;
export const PALETTE_TAGS: readonly number[] = [...DESCRIPTORS, ...ENTRIES, SEGMENTED_RED];

/** @returns Index to [red, green, blue], each 0..1. */
export function palette({ view, elements }: DataSet, signed: boolean): (index: number) => readonly number[] {
  if (elements.has(SEGMENTED_RED)) throw new DicomError('UNSUPPORTED_PIXELS', 'segmented palettes cannot be read');
  const tables = DESCRIPTORS.map((tag, i) =>
    lookUpTable(view, elements.get(tag), elements.get(ENTRIES[i] ?? 0), signed),
  );
  return (index) => tables.map(({ at, maximum }) => at(index) / maximum);
}
