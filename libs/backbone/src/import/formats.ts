/** A file of any kind that we read -> a download. */
import type { Architecture } from '../architecture.js';
import { descriptionOf } from '../metadata.js';
import type { Download } from './download.js';
import type { FileKind } from './file.js';
import { readKeras } from './keras.js';
import { readOnnx } from './onnx.js';
import { parseSafetensors, readTorchvision } from './torchvision.js';

/**
 * @param bytes - attacker-controlled.
 * @param shape - its variant is ignored: the file or its user says which.
 * @throws {@link BackboneError} `WEIGHTS_INVALID`, `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `TENSOR_SHAPE`, `TENSOR_NOT_FINITE`.
 */
export async function readDownload(kind: FileKind, bytes: Uint8Array, shape: Architecture): Promise<Download> {
  switch (kind) {
    case 'keras-h5':
      return readKeras(bytes, shape);
    case 'onnx':
      return readOnnx(bytes, shape);
    case 'safetensors': {
      const file = parseSafetensors(bytes);
      const download = readTorchvision(file, shape);
      const ours = descriptionOf(file.metadata);
      if (ours === undefined) return download;
      const { recipe, variant } = ours;
      return { ...download, assumed: { ...recipe, variant, order: 'rgb' }, stated: { order: 'rgb' } };
    }
  }
}
