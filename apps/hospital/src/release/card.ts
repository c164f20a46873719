/** The model card: what the released model is, for programs (`model-card.json`) and the source of the one for people. */
import { z } from 'zod';

export const RELEASE_FORMAT = 'consilium/release/1';
export const RESEARCH_USE = 'Research use only. Not for diagnosis.';

const name = z.string().min(1).max(200);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const share = z.number().min(0).max(1).nullable();
const interval = z.strictObject({ lower: z.number(), upper: z.number() }).nullable();

const figures = z.strictObject({
  accuracy: share,
  balancedAccuracy: share,
  auc: share,
  calibrationError: share,
  /** 95 %, where the hospital computed them. */
  intervals: z.strictObject({ accuracy: interval, balancedAccuracy: interval, auc: interval }).nullable(),
});

const hospitalResult = z.strictObject({
  hospital: name,
  images: z.strictObject({ train: count, validation: count, test: count }),
  quarantined: z.record(z.string().max(64), count),
  localOnly: figures,
  federated: figures,
});

const sizes = { inputs: z.int().min(1).max(16_384), classes: z.int().min(2).max(1_000) };
const head = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('linear'), ...sizes }),
  z.strictObject({ kind: z.literal('mlp'), hidden: z.int().min(1).max(8_192), ...sizes }),
]);

export const modelCardSchema = z.strictObject({
  format: z.literal(RELEASE_FORMAT),
  use: z.literal(RESEARCH_USE),
  exportedAt: z.string().max(40),
  run: name,
  study: z.strictObject({ name, labels: z.array(z.string().min(1).max(64)).min(2).max(1_000) }),
  mode: name,
  /** Rounds that were led; the configuration may have allowed more. */
  rounds: count,
  /** Who was invited, by the signed configuration. */
  hospitals: z.array(name).min(1),
  /** The training settings of the signed configuration, word for word. */
  training: z.record(z.string(), z.unknown()),
  backbone: z.strictObject({
    name,
    hash,
    trained: z.boolean(),
    variant: name,
    side: z.int().min(32).max(4_096),
    featureLength: sizes.inputs,
  }),
  preprocessing: z.string().min(1).max(64),
  head,
  results: z.array(hospitalResult),
  /** Mean over hospitals, weighted by test images; null where no hospital measured it. */
  calibration: z
    .strictObject({ error: z.number().min(0).max(1), images: z.int().min(1), hospitals: z.int().min(1) })
    .nullable(),
  /** Probabilities of model.onnx against the product's own path, on synthetic images, when it was exported. */
  selfCheck: z.strictObject({ images: z.int().min(1), largestDifference: z.number().min(0) }),
});

export type ModelCard = z.infer<typeof modelCardSchema>;
export type HospitalResult = ModelCard['results'][number];
export type Figures = HospitalResult['federated'];

/** What goes beside every probability. */
export function noteOf({ calibration, backbone }: ModelCard): string {
  const sureness =
    calibration === null
      ? 'Not calibrated: nobody measured how often these probabilities are right.'
      : `Calibration error ${calibration.error.toFixed(3)} on ${calibration.images} test images of ${calibration.hospitals} hospital${calibration.hospitals === 1 ? '' : 's'}.`;
  const untrained = backbone.trained ? '' : ' Untrained backbone: a demonstration, not a model of anything.';
  return `${RESEARCH_USE} ${sureness}${untrained}`;
}
