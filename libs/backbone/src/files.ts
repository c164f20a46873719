/** Backbones as files: any download becomes one safetensors file of ours, and only such a file is loaded. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeSafetensors } from '@consilium/tensors';
import { type Architecture, featureLength, resnet50, type Variant } from './architecture.js';
import { type Backbone, backboneOf, networkOf, type Recipe } from './backbone.js';
import { openEngine } from './engines.js';
import { BackboneError } from './errors.js';
import { FEATURE_MEAN, FEATURE_STD, featureStatisticsOf, featureTensors, measureFeatures } from './features.js';
import { type ChannelOrder, withRgbOrder } from './import/download.js';
import { kindOf, readWeightsFile } from './import/file.js';
import { readDownload } from './import/formats.js';
import { chosenRecipe } from './import/recipe.js';
import { parseSafetensors } from './import/torchvision.js';
import { descriptionOf, metadataOf, type Provenance } from './metadata.js';
import { SELF_CHECK, selfCheckOf, selfCheckPicture, selfCheckTensor } from './self-check.js';
import { tensorsOf, weightsOf } from './weights.js';

type Shape = Omit<Architecture, 'variant'>;

/** What a file of ours holds beside the weights. */
const ADDED = [FEATURE_MEAN, FEATURE_STD, SELF_CHECK];

export interface BackboneFile {
  readonly path: string;
  /** Its hash is computed from the contents. */
  readonly backbone: Backbone;
  /** As the file says; absent, like the next two, from older files. */
  readonly storedHash?: string;
  readonly provenance?: Provenance;
  /** Embedding of the built-in picture, shape (featureLength,), on the machine that imported the weights. */
  readonly selfCheck?: Float32Array;
}

/**
 * Reads a file that {@link importBackbone} wrote, without comparing its hash.
 *
 * @throws {@link BackboneError} as {@link loadBackbone}, but for `HASH_MISMATCH`.
 * @param shape - smaller than ResNet50 in tests alone.
 */
export async function openBackboneFile(path: string, shape: Shape = resnet50('v1.5')): Promise<BackboneFile> {
  const bytes = await readWeightsFile(path);
  const kind = kindOf(path, bytes);
  const file = kind === 'safetensors' ? parseSafetensors(bytes) : undefined;
  const description = file && descriptionOf(file.metadata);
  if (file === undefined || description === undefined) {
    const why = `the file is a plain download (${kind}): import it first, which measures what it lacks`;
    throw new BackboneError('FEATURE_STATISTICS_MISSING', why);
  }
  const { recipe, variant, hash, provenance } = description;
  const architecture = { ...shape, variant };
  const length = featureLength(architecture);
  const weights = weightsOf(file, architecture, ADDED);
  const backbone = backboneOf(architecture, recipe, weights, featureStatisticsOf(file.tensors, length));
  const selfCheck = selfCheckOf(file.tensors, length);
  return {
    path,
    backbone,
    ...(hash && { storedHash: hash }),
    ...(provenance && { provenance }),
    ...(selfCheck && { selfCheck }),
  };
}

/**
 * Loads a file that {@link importBackbone} wrote.
 *
 * @throws {@link BackboneError} `FEATURE_STATISTICS_MISSING` for a plain download: import it first. `HASH_MISMATCH`,
 * `PICKLE_REFUSED`, `WEIGHTS_UNREADABLE`, `WEIGHTS_INVALID`, `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `TENSOR_SHAPE`,
 * `TENSOR_NOT_FINITE`.
 * @param shape - smaller than ResNet50 in tests alone.
 */
export async function loadBackbone(path: string, shape: Shape = resnet50('v1.5')): Promise<Backbone> {
  const { backbone, storedHash } = await openBackboneFile(path, shape);
  if (storedHash !== undefined && storedHash !== backbone.hash) {
    throw new BackboneError('HASH_MISMATCH', 'the hash in the file is not that of its contents: import it again');
  }
  return backbone;
}

export interface ImportOptions extends Partial<Recipe> {
  readonly variant?: Variant;
  /** Of the first kernel; `channelMean` and `channelStdDev` are in the order R, G, B whatever this says. */
  readonly order?: ChannelOrder;
  /** Threads for measuring; 1 if absent. */
  readonly threads?: number;
}

/**
 * Completes downloaded weights, measured on this machine, and writes the one file that {@link loadBackbone} accepts.
 *
 * @param source - safetensors under torchvision's names, .h5 of Keras, or ONNX; or a file of ours.
 * @param target - where to write, or what gives the place from the hash; its folder is made.
 * @param images - synthetic, since what is measured is public: grey, [0, 1], shape (n, 224, 224), n at least 2; or what
 * makes them, asked only once the file is accepted.
 * @param options - what the file itself does not say; the custom of its format where absent.
 * @throws {@link BackboneError} as {@link loadBackbone}, and `RECIPE_CONFLICT` if the options contradict the file,
 * `FEATURES_NOT_FINITE` or `ENGINE_UNAVAILABLE`. Nothing is written then.
 */
export async function importBackbone(
  source: string,
  target: string | ((hash: string) => string),
  images: Float32Array | (() => Promise<Float32Array>),
  n: number,
  options: ImportOptions = {},
  shape: Shape = resnet50('v1.5'),
): Promise<BackboneFile> {
  const bytes = await readWeightsFile(source);
  const download = await readDownload(kindOf(source, bytes), bytes, { ...shape, variant: 'v1.5' });
  const { threads = 1, ...stated } = options;
  const { recipe, variant, order } = chosenRecipe(download, stated);
  const architecture = { ...shape, variant };
  const weights = weightsOf(withRgbOrder(download, order), architecture, ADDED);

  const pictures = typeof images === 'function' ? await images() : images;
  const engine = await openEngine(networkOf(architecture, recipe, weights), { threads });
  const [features, selfCheck] = await (async () => {
    const measured = await measureFeatures(engine, pictures, n);
    return [measured, await engine.embed(selfCheckPicture(shape.side), 1)] as const;
  })().finally(() => engine.close());

  const backbone = backboneOf(architecture, recipe, weights, features);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const provenance: Provenance = { kind: download.kind, sha256, order };
  const path = typeof target === 'string' ? target : target(backbone.hash);
  const tensors = new Map([...tensorsOf(weights), ...featureTensors(features), selfCheckTensor(selfCheck)]);
  const { hash } = backbone;
  await writeWhole(path, writeSafetensors(tensors, metadataOf({ recipe, variant, hash, provenance })));
  return { path, backbone, storedHash: hash, provenance, selfCheck };
}

/** A crash leaves the old file or the new one, and at worst a temporary beside it. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
