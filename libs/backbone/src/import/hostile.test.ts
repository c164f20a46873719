/**
 * Claims: a Keras or ONNX file that is damaged, cut off, of another network, or made to exhaust memory is refused with a
 * BackboneError of the right code, never with another error, and the next good file is read after it.
 * Oracle: files that Keras and PyTorch wrote (vectors/), each with one change; protobuf bytes by hand.
 */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import h5 from 'h5wasm';
import { BackboneError } from '../errors.js';
import type { Download } from './download.js';
import { kindOf } from './file.js';
import { readDownload } from './formats.js';
import { withHdf5 } from './hdf5.js';
import { readKeras } from './keras.js';
import { readOnnx } from './onnx.js';

const shape = { variant: 'v1.5', width: 2, side: 32 } as const;
const files = new Map<string, Uint8Array>();

beforeAll(async () => {
  for (const name of ['keras2.h5', 'keras3.weights.h5', 'folded.onnx', 'normed.onnx']) {
    const packed = await readFile(new URL(`../../vectors/${name}.gz`, import.meta.url));
    files.set(name, new Uint8Array(gunzipSync(packed)));
  }
});
const file = (name: string): Uint8Array => (files.get(name) ?? new Uint8Array(0)).slice();

/** @returns the code, or undefined if it was read. Anything but a BackboneError fails the test. */
async function codeOf(read: () => Promise<Download>): Promise<string | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (error instanceof BackboneError) return error.code;
    throw error;
  }
}
const refusal = (bytes: Uint8Array): Promise<string | undefined> =>
  codeOf(async () => readDownload(kindOf('file', bytes), bytes, shape));

type Hdf5File = InstanceType<typeof h5.File>;
type Hdf5Group = InstanceType<typeof h5.Group>;
type DatasetArguments = Parameters<Hdf5Group['create_dataset']>[0];

/** keras2.h5 written anew by the HDF5 library, after `change` of its datasets by path and `add` to the file. */
async function rewritten(
  change: (datasets: Map<string, Omit<DatasetArguments, 'name'>>) => void,
  add: (file: Hdf5File) => void = () => undefined,
): Promise<Uint8Array> {
  const { FS } = await h5.ready;
  const datasets = new Map<string, Omit<DatasetArguments, 'name'>>();
  await withHdf5(file('keras2.h5'), (found) => {
    for (const each of found) datasets.set(each.path, { data: each.read().values, shape: [...each.shape] });
  });
  change(datasets);
  const written = new h5.File('/rewritten.h5', 'w');
  for (const [path, dataset] of datasets) {
    const names = path.split('/');
    let group: Hdf5Group = written;
    for (const name of names.slice(0, -1)) {
      group = group.keys().includes(name) ? (group.get(name) as Hdf5Group) : group.create_group(name);
    }
    group.create_dataset({ ...dataset, name: names.at(-1) ?? '' });
  }
  add(written);
  written.close();
  return FS.readFile('/rewritten.h5');
}

const KERNEL = 'conv2_block1_1_conv/conv2_block1_1_conv/kernel:0';

describe('Keras files', () => {
  it.each([0.1, 0.5, 0.9, 0.999])('cut off after %d of their bytes', async (share) => {
    const bytes = file('keras2.h5');
    expect(await refusal(bytes.subarray(0, Math.floor(bytes.length * share)))).toBe('WEIGHTS_INVALID');
    expect(await refusal(bytes)).toBeUndefined();
  });

  it('with random damage in the structure', async () => {
    const random = new SeededRandom('damage');
    const codes = new Set<string | undefined>();
    for (let i = 0; i < 60; i++) {
      const bytes = file(i % 2 === 0 ? 'keras2.h5' : 'keras3.weights.h5');
      for (let k = 0; k < 20; k++) bytes[8 + (random.nextUint32() % 6000)] = random.nextUint32() & 0xff;
      codes.add(await refusal(bytes));
    }
    expect(codes).toContain('WEIGHTS_INVALID');
    expect(await refusal(file('keras2.h5'))).toBeUndefined();
  });

  it('written anew are read', async () => {
    expect(await refusal(await rewritten(() => undefined))).toBeUndefined();
  });

  it.each<[string, Omit<DatasetArguments, 'name'> | undefined, string]>([
    ['nothing', undefined, 'TENSOR_MISSING'],
    ['another shape', { data: new Float32Array(8), shape: [1, 1, 4, 2] }, 'TENSOR_SHAPE'],
    ['doubles', { data: new Float64Array(4), shape: [1, 1, 2, 2] }, 'WEIGHTS_INVALID'],
    ['NaN', { data: new Float32Array(4).fill(NaN), shape: [1, 1, 2, 2] }, 'TENSOR_NOT_FINITE'],
    [
      'compressed data',
      { data: new Float32Array(4), shape: [1, 1, 2, 2], chunks: [1, 1, 2, 2], compression: 'gzip' },
      'WEIGHTS_INVALID',
    ],
  ])('with %s in place of a kernel', async (_, dataset, code) => {
    const bytes = await rewritten((datasets) => {
      if (dataset === undefined) datasets.delete(KERNEL);
      else datasets.set(KERNEL, dataset);
    });
    expect(await refusal(bytes)).toBe(code);
  });

  it.each([
    'conv4_block7_1_conv/kernel:0',
    'conv2_block1_preact_bn/gamma:0',
    'again/conv1_conv/kernel:0',
    'head/secret',
  ])('with a dataset %s that a ResNet50 does not have', async (path) => {
    const bytes = await rewritten((datasets) => datasets.set(path, { data: new Float32Array(2), shape: [2] }));
    expect(await refusal(bytes)).toBe('TENSOR_UNKNOWN');
  });

  it('that link to a file of this machine are read without it', async () => {
    const unchanged = () => undefined;
    const bytes = await rewritten(unchanged, (written) => written.create_external_link('/etc/hosts', 'x', 'elsewhere'));
    expect(await refusal(bytes)).toBeUndefined();
  });

  it('that contain themselves end at a bound', async () => {
    const unchanged = () => undefined;
    const bytes = await rewritten(unchanged, (written) => written.create_hard_link('/', 'again'));
    expect(await refusal(bytes)).toBe('WEIGHTS_INVALID');
  });

  it('of another width', async () => {
    const read = () => readKeras(file('keras2.h5'), { ...shape, width: 4 });
    expect(await codeOf(read)).toBe('TENSOR_SHAPE');
  });
});

/** Bytes of a length-delimited field. */
const field = (number: number, content: Uint8Array, length = content.length): Buffer => {
  const bytes: number[] = [];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...bytes, rest]), content]);
};
const VERSION = Buffer.from([0x08, 7]);

describe('ONNX files', () => {
  it('cut off anywhere', async () => {
    const bytes = file('normed.onnx');
    for (let share = 0.02; share < 1; share += 0.07) {
      expect(await refusal(bytes.subarray(0, Math.floor(bytes.length * share)))).toBe('WEIGHTS_INVALID');
    }
  });

  it.each<[string, Uint8Array]>([
    ['a graph of 2^50 bytes', Buffer.concat([VERSION, field(7, Buffer.alloc(4), 2 ** 50)])],
    ['a varint without an end', Buffer.concat([VERSION, Buffer.alloc(40, 0xff)])],
    ['a group, which nobody writes', Buffer.concat([VERSION, Buffer.from([0x3b, 0, 0])])],
    ['no graph', VERSION],
    ['an empty graph', Buffer.concat([VERSION, field(7, Buffer.alloc(0))])],
    ['200,000 empty nodes', Buffer.concat([VERSION, field(7, Buffer.alloc(400_000, Buffer.from([0x0a, 0])))])],
    [
      'an input that is a node of itself',
      Buffer.concat([
        VERSION,
        field(
          7,
          Buffer.concat([
            field(
              1,
              Buffer.concat([
                field(1, Buffer.from('a')),
                field(2, Buffer.from('a')),
                field(4, Buffer.from('Identity')),
              ]),
            ),
            field(11, field(1, Buffer.from('a'))),
          ]),
        ),
      ]),
    ],
  ])('with %s', async (_, bytes) => {
    expect(await refusal(new Uint8Array(bytes))).toBe('WEIGHTS_INVALID');
  });

  it('with random damage are read, or refused by code', async () => {
    const random = new SeededRandom('onnx damage');
    for (let i = 0; i < 150; i++) {
      const bytes = file('folded.onnx');
      // Behind the first byte, by which its kind is known; the nodes come first.
      for (let k = 0; k < 3; k++) bytes[1 + (random.nextUint32() % 9000)] = random.nextUint32() & 0xff;
      await refusal(bytes);
    }
    expect(await refusal(file('folded.onnx'))).toBeUndefined();
  });

  it.each<[string, string, string, string]>([
    ['another operator', 'Relu', 'Tanh', 'WEIGHTS_INVALID'],
    ['a batch norm under another name', 'BatchNormalization', 'LayerNormalization', 'WEIGHTS_INVALID'],
    ['an average in place of the maximum', 'MaxPool', 'AvgPool', 'WEIGHTS_INVALID'],
    ['a weight that is not there', 'layer1.0.conv1.weight', 'layer1.0.conv9.weight', 'WEIGHTS_INVALID'],
  ])('with %s', async (_, from, to, code) => {
    const bytes = Buffer.from(file('normed.onnx'));
    const at = bytes.indexOf(from);
    expect(at).toBeGreaterThan(0);
    bytes.write(to, at);
    expect(await refusal(new Uint8Array(bytes))).toBe(code);
  });

  it('with NaN among the weights', async () => {
    const bytes = Buffer.from(file('folded.onnx'));
    // raw_data (field 9) of the first kernel: 2 x 3 x 7 x 7 floats.
    const at = bytes.indexOf(Buffer.from([0x4a, 0x98, 0x09]));
    expect(at).toBeGreaterThan(0);
    bytes.writeFloatLE(NaN, at + 3);
    expect(await refusal(new Uint8Array(bytes))).toBe('TENSOR_NOT_FINITE');
  });

  it('of another width', () => {
    expect(() => readOnnx(file('folded.onnx'), { ...shape, width: 4 })).toThrow(
      expect.objectContaining({ code: 'TENSOR_SHAPE' }),
    );
  });
});
