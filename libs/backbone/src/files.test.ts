/**
 * Claims: (1) a plain download is refused with the advice to import it; (2) an imported file loads with the same hash,
 * recipe and statistics, and imports again to the same backbone; (3) damaged files and metadata are refused by code;
 * (4) a failed import writes nothing;
 * (5) pickles are refused with advice; (6) a file whose hash is not that of its contents does not load, and a verification
 * tells it from a machine that computes something else. Oracle: the file that PyTorch wrote (vectors/make_vectors.py), and numbers by hand.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '@consilium/tensors';
import { openEngine } from './engines.js';
import { importBackbone, loadBackbone } from './files.js';
import { verifyBackbone } from './verification.js';

const download = fileURLToPath(new URL('../vectors/reduced.safetensors', import.meta.url));
const shape = { width: 4, side: 64 };
let folder: string;
let images: Float32Array;
let imported: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backbone-'));
  imported = join(folder, 'imported.safetensors');
  const expected = readSafetensors(await readFile(download.replace('reduced', 'reduced-expected')));
  images = expected.tensors.get('images')?.values ?? new Float32Array(0);
});
afterAll(() => rm(folder, { recursive: true }));

describe('importing and loading', () => {
  it('refuses a plain download and says what to do', async () => {
    const refusal = expect(loadBackbone(download, shape)).rejects;
    await refusal.toMatchObject({
      code: 'FEATURE_STATISTICS_MISSING',
      message: expect.stringContaining('import') as string,
    });
  });

  it('imports as torchvision v1.5 unless told otherwise, and loads what it wrote', async () => {
    const { backbone, path } = await importBackbone(download, imported, images, 2, {}, shape);
    expect(path).toBe(imported);
    expect(backbone).toMatchObject({
      variant: 'v1.5',
      trained: true,
      epsilon: 1e-5,
      channelMean: [0.485, 0.456, 0.406],
      channelStdDev: [0.229, 0.224, 0.225],
    });
    const loaded = await loadBackbone(imported, shape);
    expect(loaded.hash).toBe(backbone.hash);
    expect(loaded.name).toBe(backbone.name);
    expect(loaded.onnxModel()).toEqual(backbone.onnxModel());

    const engine = await openEngine(loaded, { threads: 1 });
    const embeddings = await engine.embed(images, 2);
    await engine.close();
    for (const [k, mean] of loaded.featureMean.entries()) {
      const [a, b] = [embeddings[k] ?? NaN, embeddings[k + 128] ?? NaN];
      expect(mean).toBeCloseTo((a + b) / 2, 5);
      expect(loaded.featureStdDev[k]).toBeCloseTo(Math.abs(a - b) / 2, 5);
    }
  });

  it('keeps what the options say, and imports its own file again to the same backbone', async () => {
    const options = {
      name: 'Keras',
      variant: 'v1',
      trained: false,
      epsilon: 1.001e-5,
      channelMean: [-0.5, 0, 1e-7],
    } as const;
    const target = join(folder, 'v1.safetensors');
    const { backbone: first } = await importBackbone(download, target, images, 2, options, shape);
    expect(await loadBackbone(target, shape)).toMatchObject({ ...options, hash: first.hash });
    const { backbone: again } = await importBackbone(target, join(folder, 'again.safetensors'), images, 2, {}, shape);
    expect(again).toMatchObject({ ...options, hash: first.hash });
  });

  it('does not load a file of another size of network', async () => {
    await expect(loadBackbone(imported)).rejects.toMatchObject({ code: 'TENSOR_SHAPE', tensor: 'conv1.weight' });
  });

  it('writes nothing when an import fails', async () => {
    const before = await readdir(folder);
    const broken = images.map(() => NaN);
    const target = join(folder, 'never.safetensors');
    await expect(importBackbone(download, target, broken, 2, {}, shape)).rejects.toMatchObject({
      code: 'FEATURES_NOT_FINITE',
    });
    await expect(importBackbone(download, target, images.subarray(0, 4096), 1, {}, shape)).rejects.toThrow(RangeError);
    await expect(importBackbone(download, folder, images, 2, {}, shape)).rejects.toThrow();
    expect(await readdir(folder)).toEqual(before);
    expect((await readdir(join(folder, '..'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('files that are refused', () => {
  async function refusalOf(bytes: Uint8Array): Promise<unknown> {
    const path = join(folder, 'changed.safetensors');
    await writeFile(path, bytes);
    return loadBackbone(path, shape).catch((error: unknown) => error);
  }

  it('a missing file, a torn one, and one of another kind', async () => {
    await expect(loadBackbone(join(folder, 'nothing'), shape)).rejects.toMatchObject({ code: 'WEIGHTS_UNREADABLE' });
    const bytes = await readFile(imported);
    expect(await refusalOf(bytes.subarray(0, bytes.length - 4))).toMatchObject({ code: 'WEIGHTS_INVALID' });
  });

  it.each([
    ['weights.safetensors', Buffer.from('PK\x03\x04 a zip of torch.save')],
    ['weights.h5', Buffer.from([0x80, 0x02, 0x63, 0x6f, 0x73])],
    ['weights.pth', Buffer.from('whatever')],
    ['pytorch_model.BIN', Buffer.from('whatever')],
  ])('a pickle as %s, with advice', async (name, bytes) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    for (const open of [loadBackbone, (from: string) => importBackbone(from, imported, images, 2, {}, shape)]) {
      await expect(open(path, shape)).rejects.toMatchObject({
        code: 'PICKLE_REFUSED',
        message: expect.stringContaining('.safetensors') as string,
      });
    }
  });

  it('a whole .keras archive, with its own advice', async () => {
    const path = join(folder, 'model.keras');
    await writeFile(path, 'PK\x03\x04');
    await expect(importBackbone(path, imported, images, 2, {}, shape)).rejects.toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('save_weights') as string,
    });
  });

  it.each([
    ['variant', 'v2'],
    ['variant', undefined],
    ['trained', 'yes'],
    ['epsilon', '0'],
    ['epsilon', '1e400'],
    ['channelMean', '0.5,0.5'],
    ['channelMean', '0.5,,0.5'],
    ['channelStdDev', '0.5,-0.5,0.5'],
    ['channelStdDev', '0.5,0.5,NaN'],
  ])('a file of ours whose %s is %s', async (key, value) => {
    const { tensors, metadata } = readSafetensors(await readFile(imported));
    const changed = new Map(metadata);
    if (value === undefined) changed.delete(key);
    else changed.set(key, value);
    expect(await refusalOf(writeSafetensors(tensors, changed))).toMatchObject({ code: 'WEIGHTS_INVALID' });
  });

  it.each([
    ['feature.mean', { shape: [127], values: new Float32Array(127) }, 'TENSOR_SHAPE'],
    ['feature.std', { shape: [128], values: new Float32Array(128).fill(-1) }, 'TENSOR_NOT_FINITE'],
    ['feature.median', { shape: [128], values: new Float32Array(128) }, 'TENSOR_UNKNOWN'],
  ])('a file whose %s is wrong', async (name, tensor, code) => {
    const { tensors, metadata } = readSafetensors(await readFile(imported));
    expect(await refusalOf(writeSafetensors(new Map([...tensors, [name, tensor]]), metadata))).toMatchObject({
      code,
      tensor: name,
    });
  });
});

describe('verifying', () => {
  const verify = (path: string) => verifyBackbone(path, { threads: 1 }, shape);

  async function changed(
    change: (
      tensors: Map<string, { shape: readonly number[]; values: Float32Array }>,
      metadata: Map<string, string>,
    ) => void,
  ): Promise<string> {
    const read = readSafetensors(await readFile(imported));
    const [tensors, metadata] = [new Map(read.tensors), new Map(read.metadata)];
    change(tensors, metadata);
    const path = join(folder, 'verified.safetensors');
    await writeFile(path, writeSafetensors(tensors, metadata));
    return path;
  }

  it('passes what was imported, and says where it comes from', async () => {
    const found = await verify(imported);
    expect(found).toMatchObject({ hash: 'passed', selfCheck: 'passed' });
    expect(found.relativeError).toBeLessThan(1e-6);
    const sha256 = createHash('sha256')
      .update(await readFile(download))
      .digest('hex');
    expect(found.file.provenance).toEqual({ kind: 'safetensors', sha256, order: 'rgb' });
  });

  it('fails one number that changed: by the hash, and loading refuses it', async () => {
    const path = await changed((tensors) => {
      const kernel = tensors.get('layer1.0.conv1.weight');
      const values = Float32Array.from(kernel?.values ?? []);
      values[0] = 100;
      tensors.set('layer1.0.conv1.weight', { shape: kernel?.shape ?? [], values });
    });
    expect(await verify(path)).toMatchObject({ hash: 'failed', selfCheck: 'failed' });
    await expect(loadBackbone(path, shape)).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
  });

  it('fails features that this machine does not reproduce', async () => {
    const path = await changed((tensors) => {
      const { values = new Float32Array(0) } = tensors.get('selfcheck.features') ?? {};
      tensors.set('selfcheck.features', { shape: [128], values: values.map((value) => value * 1.001) });
    });
    expect(await verify(path)).toMatchObject({ hash: 'passed', selfCheck: 'failed' });
  });

  it('says of an older file that it holds neither, and still loads it', async () => {
    const path = await changed((tensors, metadata) => {
      tensors.delete('selfcheck.features');
      for (const key of ['hash', 'source.kind', 'source.sha256', 'source.order']) metadata.delete(key);
    });
    expect(await verify(path)).toMatchObject({ hash: 'absent', selfCheck: 'absent' });
    await loadBackbone(path, shape);
  });
});
