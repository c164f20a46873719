/** Before a release is written: does the exported file say what the product says? */
import { openEngine, openReleasedModel, standardise, type Backbone } from '@consilium/backbone';
import { predict } from '@consilium/head';
import { decodeImage } from '@consilium/imaging';
import type { HeadSpec } from '@consilium/model-spec';
import { demoHospitals, encodePhantom, phantomLabels, renderPhantom } from '@consilium/phantom';
import { HospitalError } from '../errors.js';

const DIFFERENCE_MAX = 1e-5;

/** One synthetic radiograph of each kind. */
async function phantoms(): Promise<Float32Array[]> {
  const [hospital] = demoHospitals(1, 'release');
  if (hospital === undefined) throw new Error('there is no synthetic scanner');
  return Promise.all(
    phantomLabels.map(async (label) => {
      const image = renderPhantom({ seed: `release/${label}`, label, scanner: hospital.scanner });
      return decodeImage(await encodePhantom(image, 'png16'));
    }),
  );
}

/**
 * @returns the largest difference between the probabilities of the file and those of engine, z-scores and head.
 * @throws {@link HospitalError} `RELEASE_DIFFERS` if it is above 1e-5.
 */
export async function selfCheck(
  file: Uint8Array,
  backbone: Backbone,
  { spec, parameters }: { readonly spec: HeadSpec; readonly parameters: Float32Array },
  threads: number,
): Promise<{ images: number; largestDifference: number }> {
  const images = await phantoms();
  const { side, featureLength } = backbone;
  const engine = await openEngine(backbone, { threads });
  const model = await openReleasedModel(file, { side, featureLength, classes: spec.classes }, { threads });
  try {
    let largestDifference = 0;
    for (const image of images) {
      const embedding = standardise(await engine.embed(image, 1), 1, backbone);
      const expected = predict(spec, parameters, embedding, 1);
      const { probabilities } = await model.run(image);
      for (const [c, value] of probabilities.entries()) {
        largestDifference = Math.max(largestDifference, Math.abs(value - (expected[c] ?? NaN)));
      }
    }
    if (largestDifference <= DIFFERENCE_MAX) return { images: images.length, largestDifference };
    throw new HospitalError(
      'RELEASE_DIFFERS',
      `the exported model differs from this program by ${largestDifference.toExponential(1)}: nothing was written`,
    );
  } finally {
    await engine.close();
    await model.close();
  }
}
