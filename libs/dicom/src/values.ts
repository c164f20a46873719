/** Values of attributes: text, decimal strings and 16-bit numbers, whatever VR a writer gave them. */
import type { Element } from './elements.js';
import type { DataSet } from './part10.js';
import { DicomError } from './errors.js';
import { MAX_TEXT_BYTES } from './limits.js';

const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder('utf-8');

/** At most 1,024 bytes, without the padding (spaces and NUL) at its ends. */
export function textAt(view: DataView, start: number, end: number, decoder = latin1): string {
  const length = Math.min(end - start, MAX_TEXT_BYTES);
  const text = decoder.decode(new Uint8Array(view.buffer, view.byteOffset + start, length));
  return text.replace(/^[\s\0]+|[\s\0]+$/g, '');
}

const SPECIFIC_CHARACTER_SET = 0x00080005;

/** Undefined if the attribute is absent or empty. Character sets other than UTF-8 are read as Latin-1: codes are ASCII. */
export function text({ view, elements }: DataSet, tag: number): string | undefined {
  const element = elements.get(tag);
  if (element === undefined) return undefined;
  const set = elements.get(SPECIFIC_CHARACTER_SET);
  const isUtf8 = set !== undefined && textAt(view, set.start, set.end).includes('ISO_IR 192');
  const value = textAt(view, element.start, element.end, isUtf8 ? utf8 : latin1);
  return value === '' ? undefined : value;
}

/** The first number of a decimal or integer string. */
export function decimal(dataSet: DataSet, tag: number, name: string): number | undefined {
  const first = text(dataSet, tag)?.split('\\')[0]?.trim();
  if (first === undefined || first === '') return undefined;
  const value = Number(first);
  if (!Number.isFinite(value)) throw new DicomError('HEADER_INVALID', `${name} is not a number`);
  return value;
}

/** The 16-bit number at `index`, unsigned. */
export function uint16(view: DataView, element: Element | undefined, index = 0): number | undefined {
  if (element === undefined || element.start + 2 * index + 2 > element.end) return undefined;
  return view.getUint16(element.start + 2 * index, element.encoding.littleEndian);
}
