/** The head of runs of any length against FedAvg over those who were counted. */
import { expect } from 'vitest';
import { expectedHead } from '../support/expected-head.js';
import type { Consortium } from '../support/federation.js';
import { partOf, SPEC } from './stage.js';

/** The step of the ring for the bounds of these tests is so small that an exact sum differs from the mean by less. */
const TOLERANCE = 1e-6;

/** @param hospitals - all of the run; at most one was not counted. @param outcome - of one that finished. */
export function expectMean({ progress }: Consortium, hospitals: readonly string[], outcome: unknown): void {
  const { model } = outcome as { readonly model: Float32Array };
  const rounds = progress.flatMap((step) => {
    if (step.event !== 'round-done') return [];
    expect(step.hospitals.length).toBeGreaterThanOrEqual(hospitals.length - 1);
    return [
      step.hospitals.map(({ id, trainExamples }) => {
        const { examples, update } = partOf(hospitals.indexOf(id));
        return { examples: trainExamples ?? examples, update };
      }),
    ];
  });
  const expected = expectedHead(SPEC, rounds);
  expect(Math.max(...model.map((value, k) => Math.abs(value - (expected[k] ?? NaN))))).toBeLessThan(TOLERANCE);
}
