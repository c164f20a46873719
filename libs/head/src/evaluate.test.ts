/**
 * Claims: (1) all figures agree with scikit-learn, with ties, exact zeros, an absent class and a single class; (2) what is
 * not defined is null, never NaN; (3) the AUC is the share of concordant pairs, does not change under a monotone map, and
 * is the area under the ROC curve, which stays within its bound; (4) predictions are distributions, also for large scores,
 * and bad shapes are refused by code.
 * Oracle: scikit-learn (vectors/evaluation.json and figures.json say how); counting all pairs; arithmetic by hand.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@consilium/tensors';
import { evaluate, predict, type Evaluation, type ReliabilityBin } from './index.js';
import { areaUnderCurve, rankingOf, rocCurve } from './ranking.js';

interface Case extends Pick<Evaluation, 'loss' | 'accuracy' | 'balancedAccuracy' | 'auc' | 'confusion'> {
  readonly name: string;
  readonly classes: number;
  readonly probabilities: number[];
  readonly labels: number[];
}
const golden = JSON.parse(readFileSync(new URL('../vectors/evaluation.json', import.meta.url), 'utf8')) as {
  readonly cases: Case[];
};
interface FiguresCase {
  readonly name: string;
  readonly perClass: readonly {
    readonly examples: number;
    readonly auc: number | null;
    readonly sensitivity: number | null;
    readonly specificity: number | null;
    readonly roc: readonly (readonly [number, number])[] | null;
  }[];
  readonly bins: readonly ReliabilityBin[];
  readonly expectedCalibrationError: number;
}
const figures = JSON.parse(readFileSync(new URL('../vectors/figures.json', import.meta.url), 'utf8')) as {
  readonly cases: FiguresCase[];
};

function expectFigure(actual: number | null | undefined, expected: number | null): void {
  if (expected === null) expect(actual).toBeNull();
  else expect(actual).toBeCloseTo(expected, 12);
}

describe('evaluate', () => {
  it.each(golden.cases)('agrees with scikit-learn: $name', ({ probabilities, labels, classes, ...expected }) => {
    const actual = evaluate(Float32Array.from(probabilities), Int32Array.from(labels), classes);
    expect(actual.examples).toBe(labels.length);
    expect(actual.confusion).toEqual(expected.confusion);
    for (const figure of ['loss', 'accuracy', 'balancedAccuracy', 'auc'] as const) {
      expectFigure(actual[figure], expected[figure]);
    }
  });

  it.each(figures.cases)('agrees with scikit-learn per class and in calibration: $name', (expected) => {
    const one = golden.cases.find(({ name }) => name === expected.name);
    if (one === undefined) throw new Error('figures.json names a case that evaluation.json does not have');
    const actual = evaluate(Float32Array.from(one.probabilities), Int32Array.from(one.labels), one.classes);
    expect(actual.perClass).toHaveLength(expected.perClass.length);
    for (const [c, { examples, auc, sensitivity, specificity, roc }] of expected.perClass.entries()) {
      expect(actual.perClass[c]?.examples).toBe(examples);
      expectFigure(actual.perClass[c]?.auc, auc);
      expectFigure(actual.perClass[c]?.sensitivity, sensitivity);
      expectFigure(actual.perClass[c]?.specificity, specificity);
      const points = actual.perClass[c]?.roc?.map(({ falsePositiveRate, truePositiveRate }) => [
        falsePositiveRate,
        truePositiveRate,
      ]);
      expect(points ?? null).toEqual(roc);
    }
    expect(actual.reliability).toHaveLength(expected.bins.length);
    for (const [b, { examples, confidence, accuracy }] of expected.bins.entries()) {
      expect(actual.reliability[b]?.examples).toBe(examples);
      expectFigure(actual.reliability[b]?.confidence, confidence);
      expectFigure(actual.reliability[b]?.accuracy, accuracy);
    }
    expectFigure(actual.calibrationError, expected.expectedCalibrationError);
  });

  it('has no figures without examples', () => {
    expect(evaluate(new Float32Array(0), new Int32Array(0), 2)).toEqual({
      examples: 0,
      loss: null,
      accuracy: null,
      balancedAccuracy: null,
      auc: null,
      calibrationError: null,
      reliability: [],
      perClass: Array.from({ length: 2 }, () => ({
        ...{ examples: 0, auc: null, sensitivity: null, specificity: null, roc: null },
      })),
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
        const ones = new Float64Array(scores.length).fill(1);
        const area = areaUnderCurve(rankingOf(scores, truth), ones);
        if (pairs === 0) expect(area).toBeNull();
        else expect(area).toBeCloseTo(concordant / pairs, 12);
        expect(areaUnderCurve(rankingOf(scores.map(Math.exp), truth), ones)).toBe(area);
      }),
    );
  });
});

describe('rocCurve', () => {
  /** By trapezoids. */
  const areaUnder = (points: ReturnType<typeof rocCurve>): number =>
    (points ?? []).slice(1).reduce((area, { falsePositiveRate: x, truePositiveRate: y }, i) => {
      const before = points?.[i] ?? { falsePositiveRate: 0, truePositiveRate: 0 };
      return area + ((x - before.falsePositiveRate) * (y + before.truePositiveRate)) / 2;
    }, 0);

  it('bounds the area that areaUnderCurve gives, and is monotone', () => {
    const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.boolean()), { maxLength: 80 });
    fc.assert(
      fc.property(scored, (examples) => {
        const ranking = rankingOf(
          examples.map(([score]) => score),
          examples.map(([, isPositive]) => isPositive),
        );
        const area = areaUnderCurve(ranking, new Float64Array(examples.length).fill(1));
        const points = rocCurve(ranking, 100);
        expect(points === null).toBe(area === null);
        if (points !== null) expect(areaUnder(points)).toBeCloseTo(area ?? 0, 12);
        for (const [i, { falsePositiveRate, truePositiveRate }] of (points ?? []).slice(1).entries()) {
          expect(falsePositiveRate).toBeGreaterThanOrEqual(points?.[i]?.falsePositiveRate ?? 1);
          expect(truePositiveRate).toBeGreaterThanOrEqual(points?.[i]?.truePositiveRate ?? 1);
        }
      }),
    );
  });

  it('keeps the ends and the area when it is thinned', () => {
    const random = new SeededRandom('roc');
    const truth = Array.from({ length: 5_000 }, () => random.uniform() < 0.3);
    const ranking = rankingOf(
      truth.map((isPositive) => random.normal(isPositive ? 1 : 0)),
      truth,
    );
    const points = rocCurve(ranking, 100) ?? [];
    expect(points).toHaveLength(100);
    expect(points[0]).toEqual({ falsePositiveRate: 0, truePositiveRate: 0 });
    expect(points[99]).toEqual({ falsePositiveRate: 1, truePositiveRate: 1 });
    const area = areaUnderCurve(ranking, new Float64Array(truth.length).fill(1)) ?? 0;
    // A chord of a concave curve lies below it: by less than (1/99)^2 / 8 of curvature per piece, here far less than 0.01.
    expect(Math.abs(areaUnder(points) - area)).toBeLessThan(0.01);
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
