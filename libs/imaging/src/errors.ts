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
  | 'NOT_AN_IMAGE'
  | 'UNSUPPORTED_FORMAT'
  | 'IMAGE_TOO_LARGE'
  | 'TRUNCATED'
  | 'NEARLY_BLANK'
  | 'MANIFEST_MISSING'
  | 'MANIFEST_COLUMN_MISSING'
  | 'MANIFEST_INVALID';

export interface ImagingErrorDetails {
  readonly fileName?: string;
  /** Line of the manifest, from 1. */
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
