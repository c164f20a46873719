/** A file of weights as bytes, and what kind of file it is. By its contents: the name decides only what looks like nothing. */
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { BackboneError } from '../errors.js';

/** ResNet50 with its classifier of 1,000 classes has 103 MB; optimizer states in a whole Keras model make it three times that. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

export type FileKind = 'safetensors' | 'keras-h5' | 'onnx';

/** @throws {@link BackboneError} `WEIGHTS_UNREADABLE`, or `WEIGHTS_INVALID` for a file beyond 512 MiB. */
export async function readWeightsFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > FILE_BYTES_MAX) throw new BackboneError('WEIGHTS_INVALID', 'the file is larger than any ResNet50');
      const { buffer, byteOffset, byteLength } = await file.readFile();
      // Not the Buffer: its slice() shares memory where that of every other byte array copies.
      return new Uint8Array(buffer, byteOffset, byteLength);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof BackboneError) throw cause;
    throw new BackboneError('WEIGHTS_UNREADABLE', 'the file of weights cannot be read', { cause });
  }
}

const startsWith = (bytes: Uint8Array, ...start: readonly number[]): boolean =>
  start.every((byte, i) => bytes[i] === byte);

const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const ZIP = [0x50, 0x4b, 0x03, 0x04];
/** `ir_version`, the first field that every exporter writes. */
const ONNX = [0x08];
const PICKLE_NAMES = ['.pt', '.pth', '.bin', '.pkl', '.pickle', '.ckpt'];

/** Zip archives of torch.save, bare pickles of protocol 2 and later, and the tar of the first PyTorch. */
const isPickle = (bytes: Uint8Array): boolean =>
  startsWith(bytes, ...ZIP) ||
  (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5) ||
  startsWith(bytes.subarray(257), ...Buffer.from('ustar'));

/** A length of which at most four bytes are used, then the brace of the header. */
const isSafetensors = (bytes: Uint8Array): boolean =>
  startsWith(bytes.subarray(4), 0, 0, 0, 0) && startsWith(bytes.subarray(8), 0x7b);

const PICKLE_ADVICE =
  'a pickle runs code when it is opened, so none is opened here: get the .safetensors, .h5 or .onnx file of the same ' +
  "model, or convert it on a machine without patients: safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')";

/**
 * @param path - only the end of its name is looked at.
 * @param bytes - the whole file; attacker-controlled.
 * @throws {@link BackboneError} `PICKLE_REFUSED`, or `WEIGHTS_INVALID` for a kind that we do not read.
 */
export function kindOf(path: string, bytes: Uint8Array): FileKind {
  if (startsWith(bytes, ...HDF5)) return 'keras-h5';
  if (isSafetensors(bytes)) return 'safetensors';
  const extension = extname(path).toLowerCase();
  if (extension === '.keras') {
    throw new BackboneError('WEIGHTS_INVALID', "a .keras archive is not read: use model.save_weights('x.weights.h5')");
  }
  if (isPickle(bytes) || PICKLE_NAMES.includes(extension)) throw new BackboneError('PICKLE_REFUSED', PICKLE_ADVICE);
  if (startsWith(bytes, ...ONNX)) return 'onnx';
  throw new BackboneError('WEIGHTS_INVALID', 'the file is neither safetensors nor HDF5 nor ONNX, or it is damaged');
}
