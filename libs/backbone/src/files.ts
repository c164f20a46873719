/** Backbones as safetensors files: torchvision's names, and in ours also the recipe and the feature statistics. */
import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { readSafetensors, type Safetensors, TensorsError, writeSafetensors } from '@consilium/tensors';
import { type Architecture, featureLength, resnet50, type Variant } from './architecture.js';
import { type Backbone, backboneOf, networkOf, type Recipe, type Rgb } from './backbone.js';
import { openEngine } from './engines.js';
import { BackboneError } from './errors.js';
import { FEATURE_MEAN, FEATURE_STD, featureStatisticsOf, featureTensors, measureFeatures } from './features.js';
import { tensorsOf, weightsOf } from './weights.js';

const FORMAT = 'consilium/backbone/1';
/** ResNet50 with its classifier of 1,000 classes has 103 MB. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

/** torchvision's training on ImageNet: RGB in [0, 1]. */
const TORCHVISION: Recipe & { readonly variant: Variant } = {
  name: 'ResNet50, torchvision layout',
  trained: true,
  variant: 'v1.5',
  epsilon: 1e-5,
  channelMean: [0.485, 0.456, 0.406],
  channelStdDev: [0.229, 0.224, 0.225],
};

async function readTensors(path: string): Promise<Safetensors> {
  let bytes: Uint8Array;
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > FILE_BYTES_MAX) throw new BackboneError('WEIGHTS_INVALID', 'the file is larger than any ResNet50');
      bytes = await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof BackboneError) throw cause;
    throw new BackboneError('WEIGHTS_UNREADABLE', 'the file of weights cannot be read', { cause });
  }
  try {
    return readSafetensors(bytes);
  } catch (cause) {
    if (!(cause instanceof TensorsError)) throw cause;
    throw new BackboneError('WEIGHTS_INVALID', cause.message, { cause });
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (/^[0-9]/.test(text) && Number.isFinite(value) && value > 0) return value;
  throw new BackboneError('WEIGHTS_INVALID', 'the metadata has a number that is not positive');
}

function rgb(text: string, number: (text: string) => number): Rgb {
  const parts = text.split(',').map(number);
  if (parts.length === 3) return parts as unknown as Rgb;
  throw new BackboneError('WEIGHTS_INVALID', 'the metadata does not have one number per channel');
}

/** @returns undefined if the file is not one of ours. All fields or none: a file of ours that lost one is refused. */
function recipeOf(metadata: ReadonlyMap<string, string>): (Recipe & { readonly variant: Variant }) | undefined {
  if (metadata.get('format') !== FORMAT) return undefined;
  const field = (key: string): string => {
    const text = metadata.get(key);
    if (text !== undefined) return text;
    throw new BackboneError('WEIGHTS_INVALID', `the metadata lacks "${key}"`);
  };
  const variant = field('variant');
  if (variant !== 'v1' && variant !== 'v1.5') {
    throw new BackboneError('WEIGHTS_INVALID', 'the metadata has an unknown variant');
  }
  const decimal = (text: string): number => {
    const value = Number(text);
    if (/^-?[0-9]/.test(text) && Number.isFinite(value)) return value;
    throw new BackboneError('WEIGHTS_INVALID', 'the metadata has a number that is not finite');
  };
  const trained = field('trained');
  if (trained !== 'true' && trained !== 'false') {
    throw new BackboneError('WEIGHTS_INVALID', 'the metadata does not say whether the weights are trained');
  }
  return {
    name: field('name'),
    trained: trained === 'true',
    variant,
    epsilon: positive(field('epsilon')),
    channelMean: rgb(field('channelMean'), decimal),
    channelStdDev: rgb(field('channelStdDev'), positive),
  };
}

const metadataOf = (recipe: Recipe, variant: Variant): Map<string, string> =>
  new Map([
    ['format', FORMAT],
    ['name', recipe.name],
    ['trained', String(recipe.trained)],
    ['variant', variant],
    ['epsilon', String(recipe.epsilon)],
    ['channelMean', recipe.channelMean.join(',')],
    ['channelStdDev', recipe.channelStdDev.join(',')],
  ]);

/** A crash leaves the old file or the new one, and at worst a temporary beside it. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
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

/**
 * Loads a file that {@link importBackbone} wrote.
 *
 * @throws {@link BackboneError} `FEATURE_STATISTICS_MISSING` for a plain download: import it first. `WEIGHTS_UNREADABLE`,
 * `WEIGHTS_INVALID`, `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `TENSOR_SHAPE`, `TENSOR_NOT_FINITE`.
 * @param shape - smaller than ResNet50 in tests alone.
 */
export async function loadBackbone(
  path: string,
  shape: Omit<Architecture, 'variant'> = resnet50('v1.5'),
): Promise<Backbone> {
  const file = await readTensors(path);
  const recipe = recipeOf(file.metadata) ?? TORCHVISION;
  const { variant } = recipe;
  const architecture = { ...shape, variant };
  const weights = weightsOf(file, architecture, [FEATURE_MEAN, FEATURE_STD]);
  return backboneOf(architecture, recipe, weights, featureStatisticsOf(file.tensors, featureLength(architecture)));
}

export interface ImportOptions extends Partial<Recipe> {
  readonly variant?: Variant;
  /** Threads for measuring; 1 if absent. */
  readonly threads?: number;
}

/**
 * Completes downloaded weights: measures the feature statistics and writes a file that {@link loadBackbone} accepts.
 *
 * @param images - synthetic, since what is measured is public: grey, [0, 1], shape (n, 224, 224), n at least 2.
 * @param options - what the file itself does not say; torchvision's v1.5 and its ImageNet constants where absent.
 * @throws {@link BackboneError} as {@link loadBackbone}, and `FEATURES_NOT_FINITE` or `ENGINE_UNAVAILABLE`.
 */
export async function importBackbone(
  sourcePath: string,
  targetPath: string,
  images: Float32Array,
  n: number,
  options: ImportOptions = {},
  shape: Omit<Architecture, 'variant'> = resnet50('v1.5'),
): Promise<Backbone> {
  const file = await readTensors(sourcePath);
  const { threads = 1, ...chosen } = options;
  const { variant, ...recipe } = { ...TORCHVISION, ...recipeOf(file.metadata), ...chosen };
  const architecture = { ...shape, variant };
  const weights = weightsOf(file, architecture, [FEATURE_MEAN, FEATURE_STD]);
  const engine = await openEngine(networkOf(architecture, recipe, weights), { threads });
  const features = await measureFeatures(engine, images, n).finally(() => engine.close());
  const tensors = new Map([...tensorsOf(weights), ...featureTensors(features)]);
  await writeWhole(targetPath, writeSafetensors(tensors, metadataOf(recipe, variant)));
  return backboneOf(architecture, recipe, weights, features);
}
