/**
 * Measures `untrained.safetensors` anew, in about a minute, once this workspace is built:
 *
 *     node libs/backbone/calibration/measure.mjs FOLDER @consilium/imaging
 *
 * FOLDER holds at least 64 synthetic radiographs (PNG or JPEG): the file is public, so no patient may be in it. The second
 * argument is the module with `decodeImage` and `PREPROCESSING_VERSION`: this library does not know imaging, and the
 * images must enter as they will at the hospitals. Afterwards every hash of the untrained backbone is a new one.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SeededRandom, writeSafetensors } from '@consilium/tensors';
import { resnet50 } from '../dist/architecture.js';
import { measureCalibration } from '../dist/calibration.js';
import { calibratedBackbone, UNTRAINED_RECIPE } from '../dist/untrained.js';

const [folder, decoder] = process.argv.slice(2);
if (folder === undefined || decoder === undefined) throw new Error('usage: measure.mjs FOLDER MODULE_WITH_decodeImage');
const { decodeImage, PREPROCESSING_VERSION } = await import(decoder);

const NORM_IMAGES = 64;
const IMAGES_MAX = 384;
const names = (await readdir(folder, { recursive: true })).filter((name) => /\.(png|jpe?g)$/i.test(name)).sort();
if (names.length < NORM_IMAGES) throw new Error(`FOLDER holds ${names.length} images: ${NORM_IMAGES} are needed`);
// Shuffled, since a folder is often sorted by class, and the batch norms see the first images alone.
const chosen = new SeededRandom('consilium/calibration/1').shuffle(names).slice(0, IMAGES_MAX);

const architecture = resnet50('v1.5');
const imageLength = architecture.side ** 2;
const images = new Float32Array(chosen.length * imageLength);
for (const [i, name] of chosen.entries())
  images.set(await decodeImage(await readFile(join(folder, name))), i * imageLength);
console.log(`${chosen.length} images decoded`);

const calibration = await measureCalibration(architecture, UNTRAINED_RECIPE, images, {
  n: chosen.length,
  normImages: NORM_IMAGES,
  threads: availableParallelism(),
});
const provenance = new Map([
  ['made-by', 'libs/backbone/calibration/measure.mjs'],
  ['images', `${chosen.length} synthetic, the first ${NORM_IMAGES} for the batch norms`],
  ['preprocessing', PREPROCESSING_VERSION],
  ['node', process.version],
]);
await writeFile(new URL('untrained.safetensors', import.meta.url), writeSafetensors(calibration, provenance));
console.log(`hash of the untrained backbone: ${calibratedBackbone(architecture, calibration).hash}`);
