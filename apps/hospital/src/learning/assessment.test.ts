/**
 * Claims: (1) an assessment has the figures of `evaluate` and intervals that draw patients, not images; (2) two heads are
 * compared on the same resamples; (3) a test part of nothing has no figures and no interval.
 * Oracle: a head that reads the class off the embedding; the same head on each patient's first image alone.
 */
import { expect, it } from 'vitest';
import type { Examples } from '@consilium/head';
import type { RunConfig } from '@consilium/protocol';
import { assessHead, scoreHead } from './assessment.js';

/** Scores are the embedding itself. */
const config = { runId: 'run', head: { kind: 'linear', inputs: 2, classes: 2 } } as unknown as RunConfig;
const model = Float32Array.of(1, 0, 0, 1, 0, 0);

/** Four equal images of each of 20 patients; the head is wrong about five patients. */
const labels = Int32Array.from({ length: 80 }, (_, k) => (k >> 2) % 2);
const patients = labels.map((_, k) => k >> 2);
const embeddings = Float32Array.from({ length: 160 }, (_, at) => {
  const k = at >> 1;
  const isWrong = k >> 2 < 5;
  return (at % 2 === labels[k]) === isWrong ? 0 : 1;
});
const test: Examples = { embeddings, labels };

it('draws patients', () => {
  const byPatient = assessHead(config, model, test, patients);
  expect(byPatient).toMatchObject(scoreHead(config, model, test));
  expect(byPatient).toMatchObject({ examples: 80, patients: 20, accuracy: 0.75 });
  const byImage = assessHead(config, model, test, Int32Array.from(labels.keys()));
  const width = ({ intervals: { accuracy } }: typeof byPatient): number =>
    (accuracy?.upper ?? 0) - (accuracy?.lower ?? 0);
  // Four equal images say what one says: half the width by image is an illusion.
  expect(width(byPatient)).toBeGreaterThan(1.6 * width(byImage));
});

it('compares heads on the same resamples', () => {
  const intervals = () => assessHead(config, model, test, patients).intervals;
  expect(intervals()).toEqual(intervals());
});

it('has no figures where nothing is held out', () => {
  const none = { embeddings: new Float32Array(0), labels: new Int32Array(0) };
  expect(assessHead(config, model, none, new Int32Array(0))).toMatchObject({
    ...{ examples: 0, patients: 0, accuracy: null, auc: null },
    intervals: { accuracy: null, balancedAccuracy: null, auc: null },
  });
});
