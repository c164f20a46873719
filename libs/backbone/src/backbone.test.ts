/**
 * Claims: (1) the hash changes with every part of a backbone but its name, and with nothing else; (2) z-scores use the
 * backbone's constants, and a feature that hardly moves is not blown up. Oracle: one change at a time; arithmetic by hand.
 */
import { describe, expect, it } from 'vitest';
import { type Backbone, backboneOf, type Recipe, standardise } from './backbone.js';
import { randomWeights, UNTRAINED_RECIPE } from './untrained.js';

const architecture = { variant: 'v1.5', width: 2, side: 32 } as const;
const features = () => ({ mean: new Float32Array(64).fill(1), stdDev: new Float32Array(64).fill(2) });

const build = (
  recipe: Partial<Recipe> = {},
  changed = architecture as Parameters<typeof backboneOf>[0],
  statistics = features(),
): Backbone => backboneOf(changed, { ...UNTRAINED_RECIPE, ...recipe }, randomWeights(changed), statistics);

describe('the hash of a backbone', () => {
  it('is the same for the same backbone under any name', () => {
    expect(build().hash).toMatch(/^[0-9a-f]{64}$/);
    expect(build({ name: 'another' }).hash).toBe(build().hash);
  });

  it('is another for any other part', () => {
    const other = features();
    other.stdDev[63] = 2.5;
    const swapped = { mean: features().stdDev, stdDev: features().mean };
    const weights = randomWeights(architecture).map((weight) => ({
      ...weight,
      kernel: weight.kernel.slice(),
      variance: weight.variance.slice(),
    }));
    const before = backboneOf(architecture, UNTRAINED_RECIPE, weights, features()).hash;
    const last = weights.at(-1);
    if (last === undefined) throw new Error('no weights');
    last.kernel[0] = 0.25;
    const kernel = backboneOf(architecture, UNTRAINED_RECIPE, weights, features()).hash;
    last.variance[0] = 3;
    const variance = backboneOf(architecture, UNTRAINED_RECIPE, weights, features()).hash;
    const hashes = [
      before,
      kernel,
      variance,
      build({ trained: true }).hash,
      build({ epsilon: 1.001e-5 }).hash,
      build({ channelMean: [0.5, 0.5, 0.4] }).hash,
      build({ channelStdDev: [0.5, 0.25, 0.25] }).hash,
      build({}, { ...architecture, variant: 'v1' }).hash,
      build({}, { ...architecture, side: 64 }).hash,
      build({}, architecture, other).hash,
      build({}, architecture, swapped).hash,
    ];
    expect(before).toBe(build().hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('standardise', () => {
  it('gives z-scores of each feature', () => {
    const mean = Float32Array.from({ length: 64 }, (_, k) => k);
    const stdDev = Float32Array.from({ length: 64 }, (_, k) => 1 + k / 64);
    const backbone = build({}, architecture, { mean, stdDev });
    const embeddings = Float32Array.from(
      { length: 128 },
      (_, i) => (i % 64) + (i < 64 ? 3 : -0.5) * (1 + (i % 64) / 64),
    );
    const before = embeddings.slice();
    const scores = standardise(embeddings, 2, backbone);
    for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(i < 64 ? 3 : -0.5, 4);
    expect(embeddings).toEqual(before);
  });

  it('magnifies a feature that hardly moves at most ten times as much as the average one', () => {
    const stdDev = new Float32Array(64).fill(2);
    stdDev[5] = 0;
    stdDev[6] = 1e-12;
    const scores = standardise(
      new Float32Array(64).fill(2),
      1,
      build({}, architecture, { mean: features().mean, stdDev }),
    );
    // The average deviation is 2 * 62 / 64.
    expect([scores[4], scores[5], scores[6]].map((score) => score?.toFixed(4))).toEqual(['0.5000', '5.1613', '5.1613']);
  });

  it('gives finite numbers even if no feature ever moved, and refuses a wrong length', () => {
    const still = build({}, architecture, { mean: features().mean, stdDev: new Float32Array(64) });
    expect(standardise(new Float32Array(64).fill(1), 1, still)).toEqual(new Float32Array(64));
    expect(() => standardise(new Float32Array(65), 1, still)).toThrow(RangeError);
  });
});
