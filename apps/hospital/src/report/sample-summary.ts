/** A summary as a run leaves it, with figures of drawn predictions: what the tests of this folder alter and read. */
import { evaluate, intervals } from '@consilium/head';
import { SeededRandom } from '@consilium/tensors';
import type { Assessment } from '../learning/assessment.js';
import type { Summary } from '../learning/summary.js';

/** @param signal - 0 guesses; from 2 on it is always right. Two images of each patient. */
export function sampleAssessment(images: number, classes: number, signal: number): Assessment {
  const random = new SeededRandom(`assessment/${images}/${classes}`);
  const labels = Int32Array.from({ length: images }, (_, k) => k % classes);
  const patients = labels.map((_, k) => k >> 1);
  const probabilities = new Float32Array(images * classes);
  for (const [k, label] of labels.entries()) {
    const weights = Array.from({ length: classes }, (_, c) =>
      Math.exp(random.uniform(0, 2) + (c === label ? signal : 0)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    probabilities.set(
      weights.map((weight) => weight / sum),
      k * classes,
    );
  }
  return {
    ...evaluate(probabilities, labels, classes),
    patients: new Set(patients).size,
    intervals: intervals(probabilities, labels, classes, { seed: 'sample', groups: patients, resamples: 200 }),
  };
}

const metrics = { accuracy: 0.5, balancedAccuracy: 0.5, auc: 0.5 };

export function sampleSummary(details: Partial<Summary['details']> = {}, changes: Partial<Summary> = {}): Summary {
  return {
    ...{ hospital: 'north', run: 'example-1', rounds: 5, train: 90, validation: 0, test: 60, mode: 'sealed' },
    quarantined: { TRUNCATED: 2, NEARLY_BLANK: 1 },
    warnings: ['TRUNCATED: 2 images quarantined'],
    ...{ bytesSent: 123_456, seconds: {}, engine: 'onnxruntime-cpu', trainer: 'tfjs-wasm' },
    whoSees: ['the coordinator: EACH UPDATE OF THIS HOSPITAL, in the clear'],
    ...{ collusion: null, sums: { whole: 0, sampled: 0, no: 0 } },
    backbone: { name: 'resnet50', hash: 'ab'.repeat(32), trained: true },
    ...{ localOnly: metrics, federated: metrics },
    details: {
      ...{ study: 'A study', labels: ['normal', 'pneumonia', 'covid'] },
      localOnly: sampleAssessment(60, 3, 0.5),
      federated: sampleAssessment(60, 3, 1.2),
      ...details,
    },
    ...changes,
  };
}
