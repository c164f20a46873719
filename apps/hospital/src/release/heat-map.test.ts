/**
 * Claims: (1) for a linear head the mean of the map plus its constant is the score of the class, for every class; (2) for
 * an MLP the map is the relu of the features weighted by the derivatives of the score; (3) enlarging keeps cell middles,
 * and levels span 0 to 1, also of a map that is the same everywhere. Oracle: for (1) the score computed in its own order in
 * float64; for (2) finite differences of `scoresOf`, itself held to (1)'s arithmetic; for (3) numbers by hand.
 */
import { describe, expect, it } from 'vitest';
import type { DenseLayer } from '@consilium/backbone';
import { SeededRandom } from '@consilium/tensors';
import { heatMap, scoresOf, type HeadModel } from './heat-map.js';
import { enlarged, levelsOf } from './picture.js';

const FEATURES = 24;
const SIDE = 3;
const random = new SeededRandom('heat');
const draw = (length: number, low: number, high: number): Float32Array =>
  Float32Array.from({ length }, () => random.uniform(low, high));
const layer = (inputs: number, outputs: number): DenseLayer => ({
  inputs,
  outputs,
  kernel: draw(inputs * outputs, -1, 1),
  bias: draw(outputs, -2, 2),
});
const headOf = (...layers: DenseLayer[]): HeadModel => ({
  mean: draw(FEATURES, 0.5, 3),
  factor: draw(FEATURES, 0.2, 4),
  layers,
});

const maps = draw(FEATURES * SIDE ** 2, 0, 5);
const features = Float32Array.from({ length: FEATURES }, (_, k) => {
  const own = maps.subarray(k * SIDE ** 2, (k + 1) * SIDE ** 2);
  return own.reduce((a, b) => a + b, 0) / SIDE ** 2;
});

describe('the map of a linear head', () => {
  it('adds up to the score of its class', () => {
    const output = layer(FEATURES, 4);
    const head = headOf(output);
    for (let c = 0; c < 4; c++) {
      const { kind, values, side, constant } = heatMap(head, { features, maps }, c);
      let score = output.bias[c] ?? NaN;
      for (let k = 0; k < FEATURES; k++) {
        const z = ((features[k] ?? NaN) - (head.mean[k] ?? NaN)) * (head.factor[k] ?? NaN);
        score += z * (output.kernel[k * 4 + c] ?? NaN);
      }
      expect([kind, side, values.length]).toEqual(['exact', SIDE, SIDE ** 2]);
      expect(values.reduce((a, b) => a + b, 0) / SIDE ** 2 + constant).toBeCloseTo(score, 4);
      expect(scoresOf(head, features)[c]).toBeCloseTo(score, 9);
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(1);
    }
  });
});

describe('the map of an MLP', () => {
  it('weighs the features by the derivatives of the score, and shows what raises it', () => {
    const head = headOf(layer(FEATURES, 10), layer(10, 3));
    for (let c = 0; c < 3; c++) {
      const weights = Array.from({ length: FEATURES }, (_, k) => {
        const step = 2 ** -10;
        const at = (change: number): number =>
          scoresOf(
            head,
            features.map((value, i) => (i === k ? value + change : value)),
          )[c] ?? NaN;
        return (at(step) - at(-step)) / (2 * step);
      });
      const { kind, values } = heatMap(head, { features, maps }, c);
      expect(kind).toBe('gradient');
      for (const [i, value] of values.entries()) {
        const sum = weights.reduce((total, w, k) => total + w * (maps[k * SIDE ** 2 + i] ?? NaN), 0);
        expect(Math.abs(value - Math.max(0, sum))).toBeLessThan(1e-2 * Math.max(1, Math.abs(sum)));
      }
    }
  });
});

describe('what is drawn', () => {
  it('keeps the values at the middles of cells, and repeats the border', () => {
    const large = enlarged([0, 1, 2, 3], 2, 4);
    expect([...large]).toEqual([0, 0.25, 0.75, 1, 0.5, 0.75, 1.25, 1.5, 1.5, 1.75, 2.25, 2.5, 2, 2.25, 2.75, 3]);
    expect([...enlarged([7], 1, 2)]).toEqual([7, 7, 7, 7]);
  });

  it('spans an exact map from its least to its most, a gradient map from zero, and a flat one not at all', () => {
    const of = (kind: 'exact' | 'gradient', values: number[]): number[] => [
      ...levelsOf({ kind, values: Float64Array.from(values), side: 2, constant: 0 }),
    ];
    expect(of('exact', [-3, -2, -1, 1])).toEqual([0, 0.25, 0.5, 1]);
    expect(of('gradient', [1, 2, 3, 4])).toEqual([0.25, 0.5, 0.75, 1]);
    expect(of('exact', [5, 5, 5, 5])).toEqual([0, 0, 0, 0]);
    expect(of('gradient', [0, 0, 0, 0])).toEqual([0, 0, 0, 0]);
  });
});
