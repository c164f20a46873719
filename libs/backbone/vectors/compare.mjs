/**
 * Imports every file that the scripts beside this one wrote into FOLDER at full width, and prints how far our features
 * are from those of the framework that wrote it: norm of the difference over the norm. After building:
 *
 *     node libs/backbone/vectors/compare.mjs FOLDER
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { importBackbone, loadBackbone, openEngine } from '@consilium/backbone';
import { readSafetensors } from '@consilium/tensors';

const CASES = [
  ['keras2.h5', 'keras-expected.safetensors', 'features', {}],
  ['keras3.weights.h5', 'keras-expected.safetensors', 'features', {}],
  ['keras3-model.h5', 'keras-expected.safetensors', 'features', {}],
  ['folded.onnx', 'onnx-expected.safetensors', 'features.v1.5', {}],
  ['normed.onnx', 'onnx-expected.safetensors', 'features.v1', { order: 'bgr' }],
  ['full.safetensors', 'full-expected.safetensors', 'features.v1.5', {}],
  ['full.safetensors', 'full-expected.safetensors', 'features.v1', { variant: 'v1' }],
];

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: compare.mjs FOLDER');
const temporary = await mkdtemp(join(tmpdir(), 'compare-'));
try {
  for (const [name, expectedName, features, options] of CASES) {
    if (!existsSync(join(folder, name))) continue;
    const { tensors } = readSafetensors(await readFile(join(folder, expectedName)));
    const { values: images } = tensors.get('images');
    const { values: expected } = tensors.get(features);
    const target = join(temporary, 'imported.safetensors');
    const started = performance.now();
    await importBackbone(join(folder, name), target, images, 2, { ...options, threads: 2 });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const engine = await openEngine(await loadBackbone(target), { threads: 2 });
    const found = await engine.embed(images, 2);
    await engine.close();
    let [difference, norm] = [0, 0];
    for (const [k, value] of expected.entries()) {
      difference += (found[k] - value) ** 2;
      norm += value ** 2;
    }
    console.log(`${name} ${features}: ${Math.sqrt(difference / norm).toExponential(1)}, imported in ${seconds} s`);
  }
} finally {
  await rm(temporary, { recursive: true });
}
