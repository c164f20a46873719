/** `consilium-hospital backbone`: which frozen network this machine has, and how downloaded weights become one. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BackboneError,
  importBackbone,
  openBackboneFile,
  type Backbone,
  type BackboneFile,
  type ImportOptions,
  type Verification,
  verifyBackbone,
} from '@consilium/backbone';
import { decodeImage, PREPROCESSING_VERSION } from '@consilium/imaging';
import { demoHospitals, encodePhantom, phantomLabels, renderPhantom } from '@consilium/phantom';
import { openBackbone } from '../learning/local-data.js';

export interface BackboneCard {
  readonly name: string;
  readonly hash: string;
  readonly trained: boolean;
  readonly preprocessing: string;
  readonly variant: Backbone['variant'];
  readonly epsilon: number;
  readonly channelMean: Backbone['channelMean'];
  readonly channelStdDev: Backbone['channelStdDev'];
}

const cardOf = ({ name, hash, trained, variant, epsilon, channelMean, channelStdDev }: Backbone): BackboneCard => ({
  name,
  hash,
  trained,
  preprocessing: PREPROCESSING_VERSION,
  variant,
  epsilon,
  channelMean,
  channelStdDev,
});

export const showBackbone = async (file: string | undefined): Promise<BackboneCard> => cardOf(await openBackbone(file));

const backbonesFolder = (home: string): string => join(home, 'backbones');

const CALIBRATION_IMAGES = 48;

/** Synthetic radiographs: public, the same everywhere. Shape (n, 224, 224), [0, 1]. */
async function calibrationImages(): Promise<Float32Array> {
  const hospitals = demoHospitals(3, 'backbone-import');
  const images: Float32Array[] = [];
  for (let k = 0; k < CALIBRATION_IMAGES; k++) {
    const label = phantomLabels[k % phantomLabels.length] as (typeof phantomLabels)[number];
    const { scanner } = hospitals[
      Math.floor(k / phantomLabels.length) % hospitals.length
    ] as (typeof hospitals)[number];
    const image = renderPhantom({ seed: `backbone-import/${k}`, label, scanner });
    images.push(await decodeImage(await encodePhantom(image, 'png16')));
  }
  const length = images[0]?.length ?? 0;
  const all = new Float32Array(images.length * length);
  images.forEach((image, k) => {
    all.set(image, k * length);
  });
  return all;
}

export interface ImportedCard extends BackboneCard {
  readonly file: string;
  readonly source: BackboneFile['provenance'];
}

/**
 * Measures what a download lacks and writes the backbone.
 *
 * @param target - a file, or the hospital's folder, in which it is named by its hash.
 */
export async function importWeights(
  source: string,
  target: { readonly out: string } | { readonly home: string },
  options: ImportOptions,
): Promise<ImportedCard> {
  const place =
    'out' in target
      ? target.out
      : (hash: string) => join(backbonesFolder(target.home), `${hash.slice(0, 12)}.safetensors`);
  const imported = await importBackbone(source, place, calibrationImages, CALIBRATION_IMAGES, options);
  return { ...cardOf(imported.backbone), file: imported.path, source: imported.provenance };
}

export type ListedBackbone =
  | {
      readonly file: string;
      readonly name: string;
      readonly hash: string;
      readonly variant: string;
      readonly trained: boolean;
    }
  | { readonly file: string; readonly fault: string };

/** Those of the hospital's folder, each read whole: a hash in this list is that of the contents. */
export async function listBackbones(home: string): Promise<ListedBackbone[]> {
  const folder = backbonesFolder(home);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.safetensors')).sort();
  const listed: ListedBackbone[] = [];
  for (const file of names.map((name) => join(folder, name))) {
    try {
      const { backbone, storedHash } = await openBackboneFile(file);
      const { name, hash, variant, trained } = backbone;
      if (storedHash !== undefined && storedHash !== hash) listed.push({ file, fault: 'HASH_MISMATCH' });
      else listed.push({ file, name, hash, variant, trained });
    } catch (error) {
      if (!(error instanceof BackboneError)) throw error;
      listed.push({ file, fault: error.code });
    }
  }
  return listed;
}

export type VerificationCard = BackboneCard &
  Omit<Verification, 'file' | 'hash'> & { readonly hashCheck: Verification['hash'] };

/** @returns what was found, and the error that its exit status comes from, if a check failed. */
export async function verifyFile(
  file: string,
  threads: number,
): Promise<{ readonly card: VerificationCard; readonly fault?: BackboneError }> {
  const { file: opened, hash: hashCheck, ...rest } = await verifyBackbone(file, { threads });
  const card = { ...cardOf(opened.backbone), hashCheck, ...rest };
  if (hashCheck === 'failed') {
    const why = 'the hash in the file is not that of its contents: import or fetch it again';
    return { card, fault: new BackboneError('HASH_MISMATCH', why) };
  }
  if (rest.selfCheck === 'failed') {
    const why = 'this machine computes other features than the one that imported the file: look at its engine';
    return { card, fault: new BackboneError('SELF_CHECK_FAILED', why) };
  }
  return { card };
}
