/**
 * Claims: (1) an outline passes its landmarks and never overshoots; (2) both blurs keep flat fields and have the stated
 * spread; (3) the broad mean follows a ramp; (4) a tube holds its cross-section's area, also when it is thinner than a
 * pixel, and its joints do not add up; (5) noise tiles have mean 0 and standard deviation 1; (6) an ellipsoid's chords
 * sum to its volume. Oracle: closed forms.
 */
import { describe, expect, it } from 'vitest';
import { boxBlur, broadMean, gaussianBlur } from './blur.js';
import { type Landmark, outline } from './curve.js';
import { addEllipsoid, newLayer } from './layer.js';
import { grainNoise, whiteNoise } from './noise.js';
import { type TubePoint, drawTube, onGrid, rod } from './tube.js';

const total = (values: Float32Array): number => values.reduce((sum, v) => sum + v, 0);

describe('outline', () => {
  const landmarks: Landmark[] = [
    [0, 5],
    [2, 5.2],
    [3, 12],
    [7, 12.1],
    [9, 4],
  ];
  it('passes the landmarks, stays between neighbours and is constant beyond', () => {
    const curve = outline(landmarks);
    for (const [y, x] of landmarks) expect(curve(y)).toBeCloseTo(x, 9);
    for (let i = 1; i < landmarks.length; i++) {
      const [[y0, x0], [y1, x1]] = [landmarks[i - 1] as Landmark, landmarks[i] as Landmark];
      for (let t = 0; t <= 1; t += 0.05) {
        const x = curve(y0 + t * (y1 - y0));
        expect(x).toBeGreaterThanOrEqual(Math.min(x0, x1) - 1e-9);
        expect(x).toBeLessThanOrEqual(Math.max(x0, x1) + 1e-9);
      }
    }
    expect(curve(-3)).toBe(5);
    expect(curve(20)).toBe(4);
  });
});

describe('blurs', () => {
  const [width, height] = [61, 41];
  const point = new Float32Array(width * height);
  point[20 * width + 30] = 1;
  /** Variance along x and y of a blurred point. */
  const spread = (values: Float32Array): [number, number] => {
    let [xx, yy] = [0, 0];
    for (let k = 0; k < values.length; k++) {
      xx += (values[k] as number) * ((k % width) - 30) ** 2;
      yy += (values[k] as number) * (Math.floor(k / width) - 20) ** 2;
    }
    return [xx, yy];
  };

  it.each([0.5, 1.3, 3])('gaussian of sigma %d', (sigma) => {
    const blurred = gaussianBlur(point, width, height, sigma);
    expect(total(blurred)).toBeCloseTo(1, 5);
    for (const variance of spread(blurred)) {
      // The kernel is cut at 2.2 sigma, rounded up.
      expect(variance / sigma ** 2).toBeGreaterThan(0.8);
      expect(variance / sigma ** 2).toBeLessThan(1.05);
    }
  });

  it('box blur of three passes has the variance r (r + 1)', () => {
    const blurred = boxBlur(point, width, height, 2, 3);
    expect(total(blurred)).toBeCloseTo(1, 5);
    for (const variance of spread(blurred)) expect(variance).toBeCloseTo(6, 3);
  });

  it('keeps a flat field to its edges', () => {
    const flat = new Float32Array(64 * 64).fill(3);
    for (const blurred of [boxBlur(flat, 64, 64, 4, 2), gaussianBlur(flat, 64, 64, 2), broadMean(flat, 64, 8)]) {
      expect(Math.max(...blurred.map((v) => Math.abs(v - 3)))).toBeLessThan(1e-5);
    }
  });

  it('the broad mean follows a ramp', () => {
    const size = 128;
    const ramp = Float32Array.from({ length: size * size }, (_, k) => k % size);
    const mean = broadMean(ramp, size, 8);
    for (let i = 30; i < 98; i++) expect(mean[64 * size + i]).toBeCloseTo(i, 3);
  });
});

describe('shapes', () => {
  it.each([1.5, 0.6, 0.05, 0.02])('a rod of radius %d cm has the area pi r^2', (radius) => {
    const layer = newLayer();
    // A slight slope averages over the positions between pixel centres.
    const point = (x: number): TubePoint => ({ x, y: 20 + x / 100, radius, depth: 2 * radius });
    drawTube(onGrid(layer), [point(-10), point(0), point(0.3), point(10)], rod);
    let volume = 0;
    for (let j = 0; j < 440; j++) for (let i = 140; i < 300; i++) volume += (layer[j * 440 + i] as number) * 0.01;
    expect(volume / 16 / (Math.PI * radius * radius)).toBeCloseTo(1, 1);
  });

  it('an ellipsoid has its volume', () => {
    const layer = newLayer();
    addEllipsoid(layer, { x: 2, y: 20, halfWidth: 5, halfHeight: 2, depth: 3, tilt: 0.4 });
    expect((total(layer) * 0.01) / ((2 / 3) * Math.PI * 5 * 2 * 3)).toBeCloseTo(1, 2);
  });
});

it.each([whiteNoise(), grainNoise(2)])('noise tile %# is standardised', (tile) => {
  const mean = total(tile) / tile.length;
  expect(mean).toBeCloseTo(0, 3);
  expect(tile.reduce((sum, v) => sum + (v - mean) ** 2, 0) / tile.length).toBeCloseTo(1, 3);
});
