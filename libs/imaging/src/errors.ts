/**
 * The one error of this library. `message` may reach logs and the coordinator's console, so it holds no pixel, no patient
 * and no file name; those who stay in the hospital find the name in `fileName`.
 */

export type ImagingErrorCode =
  | 'FILE_MISSING'
  /** Not a regular file, or the hospital's account may not read it. */
  | 'FILE_UNREADABLE'
  | 'FILE_TOO_LARGE'
  | 'OUTSIDE_FOLDER'
  | 'TOO_MANY_FILES'
  | 'NOT_AN_IMAGE'
  | 'UNSUPPORTED_FORMAT'
  | 'IMAGE_TOO_LARGE'
  | 'TRUNCATED'
  | 'MULTI_FRAME'
  | 'NEARLY_BLANK'
  /** The next five are said of DICOM files only. */
  | 'HEADER_INVALID'
  | 'NO_PIXEL_DATA'
  | 'UNSUPPORTED_TRANSFER_SYNTAX'
  | 'UNSUPPORTED_PIXELS'
  | 'DECODE_FAILED'
  | 'DECODE_TIMEOUT'
  /** The thread that decoded the file ended: out of memory, or a defect of a decoder. */
  | 'DECODER_FAILED'
  | 'MANIFEST_MISSING'
  | 'MANIFEST_COLUMN_MISSING'
  | 'MANIFEST_INVALID';

export interface ImagingErrorDetails {
  readonly fileName?: string;
  /** Line of the manifest or the label table, from 1. */
  readonly line?: number;
  readonly cause?: unknown;
}

export class ImagingError extends Error {
  override readonly name = 'ImagingError';
  readonly fileName?: string;
  readonly line?: number;

  constructor(
    readonly code: ImagingErrorCode,
    message: string,
    { fileName, line, cause }: ImagingErrorDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    if (fileName !== undefined) this.fileName = fileName;
    if (line !== undefined) this.line = line;
  }
}
