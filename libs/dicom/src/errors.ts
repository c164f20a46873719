/** The one error of this library. Messages name attributes and transfer syntaxes, never a value of the patient's or a pixel. */

export type DicomErrorCode =
  /** Some other kind of file: not ours to judge. */
  | 'NOT_DICOM'
  /** The header contradicts itself or lacks what an image needs. */
  | 'HEADER_INVALID'
  /** A report, a waveform, a directory: sound DICOM without an image. */
  | 'NO_PIXEL_DATA'
  /** Less is there than the header promises: fetch the file again. */
  | 'TRUNCATED'
  /** Ask the archive for another encoding; the message names the one that it sent. */
  | 'UNSUPPORTED_TRANSFER_SYNTAX'
  /** A layout of pixels that this library does not read, such as 1 bit, floats or four channels. */
  | 'UNSUPPORTED_PIXELS'
  /** Above the limits of `limits.ts`, refused before anything of that size is allocated. */
  | 'IMAGE_TOO_LARGE'
  /** The compressed image is damaged, or is not what the header says. */
  | 'DECODE_FAILED';

export class DicomError extends Error {
  override readonly name = 'DicomError';
  constructor(
    readonly code: DicomErrorCode,
    message: string,
  ) {
    super(message);
  }
}
