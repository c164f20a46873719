/** The file format of PS3.10: preamble, file meta group, data set; and the guess for a bare data set without them. */
import { constants, inflateRawSync } from 'node:zlib';
import { EXPLICIT_LE, headAt, IMPLICIT_LE, readElements, type Elements, type Encoding } from './elements.js';
import { DicomError } from './errors.js';
import { maxInflatedBytes } from './limits.js';
import {
  EXPLICIT_BE_UID,
  EXPLICIT_LE_UID,
  IMPLICIT_LE_UID,
  transferSyntax,
  type TransferSyntax,
} from './transfer-syntax.js';
import { textAt } from './values.js';

/** Where the attributes lie, and in which bytes: the file's own, or the inflated ones. */
export interface DataSet {
  readonly view: DataView;
  readonly elements: Elements;
  readonly syntax: TransferSyntax;
}

const TRANSFER_SYNTAX_UID = 0x00020010;
const MAGIC_AT = 128;
/** Attributes of a bare data set come in groups 0002 and 0008 first. */
const FIRST_GROUPS = new Set([0x0002, 0x0008]);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const hasPreamble = (view: DataView): boolean =>
  view.byteLength >= MAGIC_AT + 4 && view.getUint32(MAGIC_AT) === 0x4449434d;

/** @returns Whether `bytes` may be given to `parseDicom`: `DICM` at 128, or two sound elements at the very beginning. */
export function isDicom(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  return hasPreamble(view) || bareSyntax(view, 0) !== undefined;
}

/**
 * @param wanted - tags to keep; all others are walked over.
 * @throws {@link DicomError} `NOT_DICOM`, `HEADER_INVALID`, `TRUNCATED`, `UNSUPPORTED_TRANSFER_SYNTAX`, and
 *   `IMAGE_TOO_LARGE` for a deflated data set above the bound of limits.ts.
 */
export function readDataSet(bytes: Uint8Array, wanted: ReadonlySet<number>): DataSet {
  const view = viewOf(bytes);
  const begin = hasPreamble(view) ? MAGIC_AT + 4 : 0;
  if (begin === 0 && bareSyntax(view, 0) === undefined) throw new DicomError('NOT_DICOM', 'this is no DICOM file');

  const { uid, next } = readMeta(view, begin);
  // It is repeated in messages, so it has to be what it says it is.
  if (uid !== undefined && !/^[0-9.]{1,64}$/.test(uid)) {
    throw new DicomError('HEADER_INVALID', 'the transfer syntax is no UID');
  }
  const syntax = uid === undefined ? bareSyntax(view, next) : transferSyntax(uid);
  if (syntax === undefined) throw new DicomError('HEADER_INVALID', 'the file names no transfer syntax');
  if (syntax.deflated) {
    const inflated = viewOf(inflate(bytes.subarray(next)));
    return {
      view: inflated,
      elements: readElements(inflated, 0, inflated.byteLength, syntax.encoding, wanted),
      syntax,
    };
  }
  const encoding = encodingFound(view, next, syntax.encoding);
  return { view, elements: readElements(view, next, view.byteLength, encoding, wanted), syntax };
}

/** The meta group is explicit little endian whatever follows it; its declared length is often wrong, so it is not used. */
function readMeta(view: DataView, begin: number): { readonly uid: string | undefined; readonly next: number } {
  let uid: string | undefined;
  let at = begin;
  while (at + 8 <= view.byteLength && view.getUint16(at, true) === 0x0002) {
    const { tag, length, start } = headAt(view, at, view.byteLength, EXPLICIT_LE);
    at = start + length;
    if (at > view.byteLength) throw new DicomError('TRUNCATED', 'the file ends inside its meta header');
    if (tag === TRANSFER_SYNTAX_UID) uid = textAt(view, start, at);
  }
  return { uid: uid === '' ? undefined : uid, next: at };
}

/** The syntax of a data set that has no meta header, or undefined if it does not look like one. */
function bareSyntax(view: DataView, at: number): TransferSyntax | undefined {
  for (const uid of [EXPLICIT_LE_UID, IMPLICIT_LE_UID, EXPLICIT_BE_UID]) {
    const syntax = transferSyntax(uid);
    const first = plausibleHead(view, at, syntax.encoding);
    const second = first && plausibleHead(view, first.start + first.length, syntax.encoding);
    if (first && second && FIRST_GROUPS.has(first.tag >>> 16) && second.tag > first.tag && second.tag >>> 16 < 0x0030) {
      return syntax;
    }
  }
  return undefined;
}

function plausibleHead(view: DataView, at: number, encoding: Encoding): ReturnType<typeof headAt> | undefined {
  if (at + 12 > view.byteLength) return undefined;
  const head = headAt(view, at, view.byteLength, encoding);
  const fits = head.start + head.length <= view.byteLength && head.length < 65_536;
  return fits && (head.vr !== '') === encoding.explicit ? head : undefined;
}

/** Some writers declare explicit and write implicit, or the other way round: the first element's VR tells. */
function encodingFound(view: DataView, at: number, declared: Encoding): Encoding {
  if (!declared.littleEndian || at + 8 > view.byteLength) return declared;
  const { vr } = headAt(view, at, view.byteLength, EXPLICIT_LE);
  if (vr === '') return IMPLICIT_LE;
  return declared.explicit || /^(?:UI|UL|CS|SH|LO|DA|TM)$/.test(vr) ? EXPLICIT_LE : declared;
}

function inflate(deflated: Uint8Array): Uint8Array {
  const maxOutputLength = maxInflatedBytes(deflated.length);
  try {
    return inflateRawSync(deflated, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new DicomError('IMAGE_TOO_LARGE', 'the data set inflates to more than its size allows');
    }
    throw new DicomError('DECODE_FAILED', 'the deflated data set is damaged');
  }
}
