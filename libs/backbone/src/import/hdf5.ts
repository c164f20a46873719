/**
 * The float32 datasets of an HDF5 file, read by the HDF5 library in WebAssembly: the file may be hostile, and there it
 * reaches neither our memory nor the disk. The copy that it sees is alone in a file system of its own, so that external
 * links and external storage lead nowhere.
 */
import { randomUUID } from 'node:crypto';
import type { Dataset, Group } from 'h5wasm';
import type { Tensor } from '@consilium/tensors';
import { BackboneError } from '../errors.js';

/** A ResNet50 has 320 datasets in 530 groups; with an optimizer three times as many. */
const OBJECTS_MAX = 5_000;
const DEPTH_MAX = 12;
const RANK_MAX = 8;

export interface Hdf5Dataset {
  /** From the root, without a slash before it. */
  readonly path: string;
  readonly shape: readonly number[];
  /** @throws {@link BackboneError} `WEIGHTS_INVALID` for another type than float32, compression, or damage. */
  read(): Tensor;
}

const invalid = (why: string, cause?: unknown): BackboneError =>
  new BackboneError('WEIGHTS_INVALID', `HDF5: ${why}`, cause === undefined ? {} : { cause });

function datasetOf(path: string, dataset: Dataset, bytesMax: number): Hdf5Dataset {
  const shape = dataset.shape ?? [];
  return {
    path,
    shape,
    read: () => {
      const { chunks, virtual_sources: virtual, vlen } = dataset.metadata;
      if (dataset.dtype !== '<f' && dataset.dtype !== '<f4') throw invalid('a weight is not float32');
      // A few bytes of compressed data can stand for any length; Keras writes plain ones.
      if (vlen || chunks !== null || virtual !== undefined || dataset.filters.length > 0) {
        throw invalid('a weight is compressed or stored in parts');
      }
      const length = shape.reduce((size, axis) => size * axis, 1);
      if (shape.length > RANK_MAX || length * 4 > bytesMax) throw invalid('a weight is larger than the file');
      const values = dataset.value;
      if (!(values instanceof Float32Array) || values.length !== length) throw invalid('a weight cannot be read');
      return { shape, values };
    },
  };
}

interface Collection {
  readonly found: Hdf5Dataset[];
  readonly bytesMax: number;
  objects: number;
}

function collect(group: Group, prefix: string, depth: number, collection: Collection): void {
  if (depth > DEPTH_MAX) throw invalid('the groups lie too deep');
  for (const name of group.keys()) {
    // Also where a group contains itself.
    if (++collection.objects > OBJECTS_MAX) throw invalid('there are more objects than in any ResNet50');
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const entity = group.get(name);
    const type: string = entity !== null && 'type' in entity ? entity.type : '';
    if (type === 'Group') collect(entity as Group, path, depth + 1, collection);
    else if (type === 'Dataset') collection.found.push(datasetOf(path, entity as Dataset, collection.bytesMax));
  }
}

/**
 * @param bytes - a whole file; attacker-controlled.
 * @param use - what to do while the file is open; it may read any of the datasets, in any order.
 * @throws {@link BackboneError} `WEIGHTS_INVALID` for whatever the HDF5 library cannot read, a crash inside it included.
 */
export async function withHdf5<T>(bytes: Uint8Array, use: (datasets: readonly Hdf5Dataset[]) => T): Promise<T> {
  // Loaded here: 4 MB of WebAssembly that no other command needs.
  const { default: h5, ready } = await import('h5wasm');
  const path = `/${randomUUID()}.h5`;
  const library = await ready;
  const { FS } = library;
  // Without this, its errors go to the terminal, and reading goes on.
  library.activate_throwing_error_handler();
  try {
    FS.writeFile(path, bytes);
    const file = new h5.File(path, 'r');
    try {
      const found: Hdf5Dataset[] = [];
      collect(file, '', 0, { found, objects: 0, bytesMax: bytes.length });
      return use(found);
    } finally {
      file.close();
    }
  } catch (cause) {
    if (cause instanceof BackboneError) throw cause;
    throw invalid('the file is damaged', cause);
  } finally {
    FS.unlink(path);
  }
}
