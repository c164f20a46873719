/**
 * Claims: (1) all figures agree with scikit-learn, with ties, exact zeros, an absent class and a single class; (2) what is
 * not defined is null, never NaN; (3) the AUC is the share of concordant pairs and does not change under a monotone map;
 * (4) predictions are distributions, also for large scores, and bad shapes are refused by code.
 * Oracle: scikit-learn (vectors/evaluation.json says how); counting all pairs; arithmetic by hand.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaUnderCurve } from './auc.js';
import { evaluate, predict, type Evaluation } from './index.js';

interface Case extends Omit<Evaluation, 'examples'> {
  readonly name: string;
  readonly classes: number;
  readonly probabilities: number[];
  readonly labels: number[];
}
const golden = JSON.parse(readFileSync(new URL('../vectors/evaluation.json', import.meta.url), 'utf8')) as {
  readonly cases: Case[];
};

describe('evaluate', () => {
  it.each(golden.cases)('agrees with scikit-learn: $name', ({ probabilities, labels, classes, ...expected }) => {
    const actual = evaluate(Float32Array.from(probabilities), Int32Array.from(labels), classes);
    expect(actual.examples).toBe(labels.length);
    expect(actual.confusion).toEqual(expected.confusion);
    for (const figure of ['loss', 'accuracy', 'balancedAccuracy', 'auc'] as const) {
      if (expected[figure] === null) expect(actual[figure]).toBeNull();
      else expect(actual[figure]).toBeCloseTo(expected[figure], 12);
    }
  });

  it('has no figures without examples', () => {
    expect(evaluate(new Float32Array(0), new Int32Array(0), 2)).toEqual({
      examples: 0,
      loss: null,
      accuracy: null,
      balancedAccuracy: null,
      auc: null,
      confusion: [
        [0, 0],
        [0, 0],
      ],
    });
  });

  it('is never NaN', () => {
    const row = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 });
    const rows = fc.array(fc.tuple(row, fc.integer({ min: 0, max: 2 })), { maxLength: 12 });
    fc.assert(
      fc.property(rows, (examples) => {
        const { loss, accuracy, balancedAccuracy, auc } = evaluate(
          Float32Array.from(examples.flatMap(([values]) => values.map((value) => value / 4))),
          Int32Array.from(examples.map(([, label]) => label)),
          3,
        );
        for (const figure of [loss, accuracy, balancedAccuracy, auc]) expect(figure).not.toBeNaN();
        expect(auc === null).toBe(new Set(examples.map(([, label]) => label)).size < 2);
      }),
    );
  });

  it.each([
    ['WRONG_SHAPE', [0.5, 0.5, 1], [0, 1]],
    ['UNKNOWN_LABEL', [0.5, 0.5], [2]],
    ['UNKNOWN_LABEL', [0.5, 0.5], [-1]],
    ['NOT_FINITE', [0.5, Number.NaN], [0]],
  ])('refuses %s: %j %j', (code, probabilities, labels) => {
    expect(() => evaluate(Float32Array.from(probabilities), Int32Array.from(labels), 2)).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });
});

describe('areaUnderCurve', () => {
  it('is the share of concordant pairs, a tie counting half', () => {
    const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { maxLength: 30 });
    fc.assert(
      fc.property(scored, (examples) => {
        let pairs = 0;
        let concordant = 0;
        for (const [a, isPositive] of examples) {
          for (const [b, isOtherPositive] of examples) {
            if (!isPositive || isOtherPositive) continue;
            pairs += 1;
            concordant += a > b ? 1 : a === b ? 0.5 : 0;
          }
        }
        const scores = Float64Array.from(examples, ([score]) => score);
        const truth = examples.map(([, isPositive]) => isPositive);
        const area = areaUnderCurve(scores, truth);
        if (pairs === 0) expect(area).toBeNull();
        else expect(area).toBeCloseTo(concordant / pairs, 12);
        expect(areaUnderCurve(scores.map(Math.exp), truth)).toBe(area);
      }),
    );
  });
});

describe('predict', () => {
  const spec = { kind: 'linear', inputs: 2, classes: 2 } as const;
  const parameters = Float32Array.of(1, -1, 0, 2, 0.5, 0);

  it('is the softmax of x W + b', () => {
    // Scores (1 * 3 + 0 * 1 + 0.5, -1 * 3 + 2 * 1 + 0) = (3.5, -1).
    const [p, q] = predict(spec, parameters, Float32Array.of(3, 1), 1);
    expect(p).toBeCloseTo(1 / (1 + Math.exp(-4.5)), 7);
    expect(q).toBeCloseTo(1 / (1 + Math.exp(4.5)), 7);
    expect(predict(spec, parameters, new Float32Array(0), 0)).toEqual(new Float32Array(0));
  });

  it('stays a distribution for scores that overflow an exponential', () => {
    expect([...predict(spec, parameters, Float32Array.of(1e30, 0, -1e30, 0), 2)]).toEqual([1, 0, 0, 1]);
  });

  it.each([
    ['WRONG_SHAPE', [1, 2, 3], 1],
    ['WRONG_SHAPE', [1, 2], 2],
    ['NOT_FINITE', [1, Number.NaN], 1],
  ])('refuses %s: %j as %i', (code, embeddings, n) => {
    expect(() => predict(spec, parameters, Float32Array.from(embeddings), n)).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });
});
