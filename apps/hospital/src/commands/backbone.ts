/** `consilium-hospital backbone`: which frozen network this machine has, and how downloaded weights become one. */
import { importBackbone, type Backbone } from '@consilium/backbone';
import { decodeImage, PREPROCESSING_VERSION } from '@consilium/imaging';
import { demoHospitals, encodePhantom, phantomLabels, renderPhantom } from '@consilium/phantom';
import { openBackbone } from '../learning/local-data.js';

export interface BackboneCard {
  readonly name: string;
  readonly hash: string;
  readonly trained: boolean;
  readonly preprocessing: string;
}

const cardOf = ({ name, hash, trained }: Backbone): BackboneCard => ({
  name,
  hash,
  trained,
  preprocessing: PREPROCESSING_VERSION,
});

export const showBackbone = async (file: string | undefined): Promise<BackboneCard> => cardOf(await openBackbone(file));

const CALIBRATION_IMAGES = 48;

/** Measures the feature statistics of downloaded weights on synthetic radiographs: public images, the same everywhere. */
export async function importWeights(source: string, target: string, threads: number): Promise<BackboneCard> {
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
  const side = images[0]?.length ?? 0;
  const all = new Float32Array(images.length * side);
  images.forEach((image, k) => {
    all.set(image, k * side);
  });
  return cardOf(await importBackbone(source, target, all, images.length, { threads }));
}
