/**
 * The walk over data elements of PS3.5 section 7, for hostile bytes: one pass, no recursion, and nothing is kept but the
 * attributes asked for. Lengths are attacker-controlled: each is compared with what is there before it is used.
 */
import { DicomError } from './errors.js';
import { MAX_DEPTH } from './limits.js';

export interface Encoding {
  readonly explicit: boolean;
  readonly littleEndian: boolean;
}

export interface Element {
  /** Empty where the encoding writes none. */
  readonly vr: string;
  /** Byte offsets of the value; `end` never lies behind the data set. */
  readonly start: number;
  readonly end: number;
  /** Pixel data in fragments, or a sequence closed by a delimiter. */
  readonly undefinedLength: boolean;
  /** Of the value: inside a sequence of VR UN it is implicit little endian (PS3.5 6.2.2 note 4). */
  readonly encoding: Encoding;
}

export const IMPLICIT_LE: Encoding = { explicit: false, littleEndian: true };
export const EXPLICIT_LE: Encoding = { explicit: true, littleEndian: true };

/** By tag: group * 65536 + element. */
export type Elements = ReadonlyMap<number, Element>;

export const PIXEL_DATA = 0x7fe00010;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const UNDEFINED_LENGTH = 0xffffffff;
const LONG_VRS = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));

interface Head {
  readonly tag: number;
  readonly vr: string;
  readonly length: number;
  /** Byte offset of the value. */
  readonly start: number;
}

const isLetter = (code: number): boolean => code >= 65 && code <= 90;

/** @throws {@link DicomError} `TRUNCATED` if the bytes end inside the tag, VR or length. */
export function headAt(view: DataView, at: number, end: number, { explicit, littleEndian }: Encoding): Head {
  if (at + 8 > end) throw endsInside();
  const tag = view.getUint16(at, littleEndian) * 65_536 + view.getUint16(at + 2, littleEndian);
  const [first, second] = [view.getUint8(at + 4), view.getUint8(at + 5)];
  // Items have no VR; and in broken explicit files, an element without two capitals there was written implicitly.
  if (!explicit || tag >>> 16 === 0xfffe || !isLetter(first) || !isLetter(second)) {
    return { tag, vr: '', length: view.getUint32(at + 4, littleEndian), start: at + 8 };
  }
  const vr = String.fromCharCode(first, second);
  if (!LONG_VRS.has(vr)) return { tag, vr, length: view.getUint16(at + 6, littleEndian), start: at + 8 };
  if (at + 12 > end) throw endsInside();
  return { tag, vr, length: view.getUint32(at + 8, littleEndian), start: at + 12 };
}

/** The walk ends at pixel data (what follows is padding and signatures), at an item's delimiter, or at `end`. */
export function readElements(
  view: DataView,
  start: number,
  end: number,
  encoding: Encoding,
  wanted: ReadonlySet<number>,
): Elements {
  const elements = new Map<number, Element>();
  for (let at = start; at < end;) {
    const head = headAt(view, at, end, encoding);
    if (head.tag === ITEM_END) break;
    if (head.tag >>> 16 === 0xfffe) throw new DicomError('HEADER_INVALID', 'an item stands outside a sequence');
    const undefinedLength = head.length === UNDEFINED_LENGTH;
    if (head.tag === PIXEL_DATA) {
      // Its length is compared with the image's, which says more than the declared one.
      const valueEnd = Math.min(end, undefinedLength ? end : head.start + head.length);
      return elements.set(head.tag, { vr: head.vr, start: head.start, end: valueEnd, undefinedLength, encoding });
    }
    const inner = head.vr === 'UN' ? IMPLICIT_LE : encoding;
    at = undefinedLength ? endOfSequence(view, head.start, end, inner) : within(head.start + head.length, end);
    if (wanted.has(head.tag)) {
      elements.set(head.tag, { vr: head.vr, start: head.start, end: at, undefinedLength, encoding: inner });
    }
  }
  return elements;
}

/** @returns The attributes of the sequence's first item, or undefined if it has none. */
export function firstItem(view: DataView, sequence: Element, wanted: ReadonlySet<number>): Elements | undefined {
  if (sequence.end - sequence.start < 8) return undefined;
  const item = headAt(view, sequence.start, sequence.end, sequence.encoding);
  if (item.tag === SEQUENCE_END) return undefined;
  if (item.tag !== ITEM) throw new DicomError('HEADER_INVALID', 'a sequence does not begin with an item');
  const end = item.length === UNDEFINED_LENGTH ? sequence.end : within(item.start + item.length, sequence.end);
  return readElements(view, item.start, end, sequence.encoding, wanted);
}

/**
 * Fragments of encapsulated pixel data (PS3.5 A.4); the first is the basic offset table, which may be empty.
 *
 * @param limit - number of fragments, the table included, above which the file is refused.
 * @returns Byte offsets of each fragment, within the data set.
 */
export function readFragments(view: DataView, pixelData: Element, limit: number): [start: number, end: number][] {
  const fragments: [number, number][] = [];
  // Some writers leave the delimiter out; what they cut off with it shows in the compressed image itself.
  for (let at = pixelData.start; pixelData.end - at >= 8;) {
    const head = headAt(view, at, pixelData.end, pixelData.encoding);
    if (head.tag === SEQUENCE_END) break;
    if (head.tag !== ITEM || head.length === UNDEFINED_LENGTH) {
      throw new DicomError('HEADER_INVALID', 'pixel data holds something that is no fragment');
    }
    if (fragments.length >= limit) throw new DicomError('HEADER_INVALID', `more than ${limit} fragments of pixel data`);
    at = within(head.start + head.length, pixelData.end);
    fragments.push([head.start, at]);
  }
  return fragments;
}

/** @returns The offset behind the delimiter of the undefined-length sequence whose items begin at `start`. */
function endOfSequence(view: DataView, start: number, end: number, encoding: Encoding): number {
  const open: { readonly encoding: Encoding; inItem: boolean }[] = [];
  let sequence: (typeof open)[number] | undefined = { encoding, inItem: false };
  let at = start;
  while (sequence !== undefined) {
    const head = headAt(view, at, end, sequence.encoding);
    at = head.start;
    if (head.tag === (sequence.inItem ? ITEM_END : SEQUENCE_END)) {
      if (sequence.inItem) sequence.inItem = false;
      else sequence = open.pop();
    } else if (sequence.inItem !== (head.tag !== ITEM)) {
      throw new DicomError('HEADER_INVALID', 'the items of a sequence are not in order');
    } else if (head.length !== UNDEFINED_LENGTH) {
      at = within(at + head.length, end);
    } else if (sequence.inItem) {
      if (open.length >= MAX_DEPTH) throw new DicomError('HEADER_INVALID', `sequences nest deeper than ${MAX_DEPTH}`);
      open.push(sequence);
      sequence = { encoding: head.vr === 'UN' ? IMPLICIT_LE : sequence.encoding, inItem: false };
    } else {
      sequence.inItem = true;
    }
  }
  return at;
}

function within(position: number, end: number): number {
  if (position > end) throw new DicomError('TRUNCATED', 'an attribute is longer than what is left of the file');
  return position;
}

const endsInside = (): DicomError => new DicomError('TRUNCATED', 'the file ends inside its header');
