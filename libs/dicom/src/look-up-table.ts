/** Tables of PS3.3 C.11.1.1 and C.7.6.3.1.5: a descriptor of three numbers, and the entries. */
import type { Element } from './elements.js';
import { DicomError } from './errors.js';
import { uint16 } from './values.js';

export interface LookUpTable {
  /** The entry of an input; inputs outside get the first or the last. */
  readonly at: (value: number) => number;
  /** The largest entry that its bits allow. */
  readonly maximum: number;
}

/**
 * @param signedInput - whether the first mapped value has a sign where its VR does not say.
 * @throws {@link DicomError} `HEADER_INVALID` if the descriptor is missing or asks for more entries than there are.
 */
export function lookUpTable(
  view: DataView,
  descriptor: Element | undefined,
  entries: Element | undefined,
  signedInput: boolean,
): LookUpTable {
  const declared = uint16(view, descriptor);
  const first = uint16(view, descriptor, 1);
  const bits = uint16(view, descriptor, 2);
  const invalid = new DicomError('HEADER_INVALID', 'a look-up table does not match its descriptor');
  if (descriptor === undefined || entries === undefined || declared === undefined) throw invalid;
  if (first === undefined || bits === undefined || bits < 1 || bits > 16) throw invalid;

  // 65,536 does not fit into the descriptor and is written as 0.
  const count = declared === 0 ? 65_536 : declared;
  const signed = descriptor.vr === 'SS' || (descriptor.vr !== 'US' && signedInput);
  const firstInput = signed ? (first << 16) >> 16 : first;
  const { littleEndian } = entries.encoding;
  const available = entries.end - entries.start;
  const inBytes = available < 2 * count;
  if (available < count + (inBytes ? count % 2 : 0) || (inBytes && bits > 8)) throw invalid;

  const table = new Uint16Array(count);
  // Entries of 8 bits may come two in a word; in big endian the second of them comes first.
  const swap = inBytes && !littleEndian && entries.vr === 'OW' ? 1 : 0;
  for (let i = 0; i < count; i++) {
    table[i] = inBytes
      ? view.getUint8(entries.start + (i ^ swap))
      : view.getUint16(entries.start + 2 * i, littleEndian);
  }
  const maximum = 2 ** bits - 1;
  const last = count - 1;
  return {
    at: (value) => Math.min(maximum, table[Math.max(0, Math.min(last, Math.round(value) - firstInput))] ?? 0),
    maximum,
  };
}
