/**
 * Claims: (1) the files of Keras (three layouts) and of PyTorch's ONNX exporter (batch norms folded and kept), and
 * torchvision's names with biases, become backbones whose features are those of the framework that wrote them, to a
 * relative 1e-4; (2) variant, epsilon, colours and channel constants are what the framework used; (3) an option that
 * contradicts the file is refused.
 * Oracle: the frameworks themselves, on random weights (vectors/make_keras_vectors.py: Keras 3.15.1 on jax 0.10.2, tf_keras
 * 2.21.0; vectors/make_onnx_vectors.py: PyTorch 2.15.0, onnx 1.23.2; November 2025).
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '@consilium/tensors';
import { openEngine } from '../engines.js';
import { type BackboneFile, importBackbone, type ImportOptions, loadBackbone } from '../files.js';

const vectors = new URL('../../vectors/', import.meta.url);
const reduced = { width: 2, side: 32 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'formats-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function unpacked(name: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, gunzipSync(await readFile(new URL(`${name}.gz`, vectors))));
  return path;
}

async function expectation(name: string, features: string): Promise<{ images: Float32Array; features: Float32Array }> {
  const { tensors } = readSafetensors(await readFile(new URL(name, vectors)));
  const values = (key: string): Float32Array => tensors.get(key)?.values ?? new Float32Array(0);
  return { images: values('images'), features: values(features) };
}

async function importedFrom(
  source: string,
  images: Float32Array,
  options: ImportOptions = {},
  shape = reduced,
): Promise<BackboneFile> {
  return importBackbone(source, (hash) => join(folder, `${hash}.safetensors`), images, 2, options, shape);
}

/** Norm of the difference over the norm of the expectation, of the file as it is loaded again. */
async function relativeError(
  { path }: BackboneFile,
  { images, features }: { images: Float32Array; features: Float32Array },
  shape = reduced,
): Promise<number> {
  const engine = await openEngine(await loadBackbone(path, shape), { threads: 1 });
  const found = await engine.embed(images, 2);
  await engine.close();
  expect(found).toHaveLength(features.length);
  let [difference, norm] = [0, 0];
  for (const [k, value] of features.entries()) {
    difference += ((found[k] ?? NaN) - value) ** 2;
    norm += value ** 2;
  }
  expect(norm).toBeGreaterThan(0.1);
  return Math.sqrt(difference / norm);
}

describe('Keras', () => {
  it.each(['keras2.h5', 'keras3.weights.h5', 'keras3-model.h5'])('%s', async (name) => {
    const expected = await expectation('keras-expected.safetensors', 'features');
    const imported = await importedFrom(await unpacked(name), expected.images);
    expect(imported.backbone).toMatchObject({ variant: 'v1', trained: true, epsilon: 1.001e-5 });
    expect(imported.provenance).toMatchObject({ kind: 'keras-h5', order: 'bgr' });
    expect(await relativeError(imported, expected)).toBeLessThan(1e-4);
  });

  it('with another variant or another order of colours has other features', async () => {
    const expected = await expectation('keras-expected.safetensors', 'features');
    const source = await unpacked('keras2.h5');
    for (const wrong of [{ variant: 'v1.5' }, { order: 'rgb' }] as const) {
      const imported = await importedFrom(source, expected.images, wrong);
      expect(await relativeError(imported, expected)).toBeGreaterThan(1e-3);
    }
  });
});

describe('ONNX', () => {
  it('reads v1.5 whose batch norms the exporter folded away', async () => {
    const expected = await expectation('onnx-expected.safetensors', 'features.v1.5');
    const imported = await importedFrom(await unpacked('folded.onnx'), expected.images);
    expect(imported.backbone).toMatchObject({ variant: 'v1.5', channelMean: [0.485, 0.456, 0.406] });
    expect(imported.provenance).toMatchObject({ kind: 'onnx', order: 'rgb' });
    expect(await relativeError(imported, expected)).toBeLessThan(1e-4);
  });

  it('reads v1 with its batch norms, and colours that its user states', async () => {
    const expected = await expectation('onnx-expected.safetensors', 'features.v1');
    const source = await unpacked('normed.onnx');
    const imported = await importedFrom(source, expected.images, { order: 'bgr' });
    expect(imported.backbone).toMatchObject({ variant: 'v1', epsilon: 1e-5 });
    expect(await relativeError(imported, expected)).toBeLessThan(1e-4);
    expect(await relativeError(await importedFrom(source, expected.images), expected)).toBeGreaterThan(1e-3);
  });

  it.each([{ variant: 'v1.5' }, { epsilon: 1e-3 }] as const)(
    'does not take %o for a file that says otherwise',
    async (options) => {
      const { images } = await expectation('onnx-expected.safetensors', 'features.v1');
      const refusal = importedFrom(await unpacked('normed.onnx'), images, options);
      await expect(refusal).rejects.toMatchObject({ code: 'RECIPE_CONFLICT' });
    },
  );
});

describe("safetensors under torchvision's names", () => {
  it.each(['v1.5', 'v1'] as const)(
    'of %s, with a bias in a convolution that its batch norm takes back',
    async (variant) => {
      const shape = { width: 4, side: 64 };
      const expected = await expectation('reduced-expected.safetensors', `features.${variant}`);
      const { tensors } = readSafetensors(await readFile(new URL('reduced.safetensors', vectors)));
      const bias = Float32Array.of(0.5, -2, 3, 0.25);
      const mean = tensors.get('bn1.running_mean')?.values ?? new Float32Array(0);
      const changed = new Map(tensors)
        .set('conv1.bias', { shape: [4], values: bias })
        .set('bn1.running_mean', { shape: [4], values: mean.map((value, k) => value + (bias[k] ?? NaN)) });
      const source = join(folder, 'biased.safetensors');
      await writeFile(source, writeSafetensors(changed));
      const imported = await importedFrom(source, expected.images, { variant }, shape);
      expect(imported.backbone.variant).toBe(variant);
      expect(await relativeError(imported, expected, shape)).toBeLessThan(1e-4);
    },
  );
});
