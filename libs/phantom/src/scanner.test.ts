/**
 * Claims: (1) noise has the stated standard deviation, falls with the square root of the exposure and grows with
 * attenuation; (2) blur widens an edge; (3) contrast steepens the display curve; (4) the marker stands on its side;
 * (5) the shutters are black; (6) grey levels are those of 12 bits. Oracle: flat fields and edges of known attenuation,
 * and the inverse of the display curve at a point. Each noise figure is from 40,000 pixels, read from a tile that repeats
 * after 512: a false alarm at 5 % tolerance is beyond 5 standard errors.
 */
import { SeededRandom } from '@consilium/tensors';
import { describe, expect, it } from 'vitest';
import { demoHospitals } from './hospitals.js';
import { type Scanner, expose } from './scanner.js';

const size = 256;
const [first] = demoHospitals(1, 'test').map((hospital) => hospital.scanner) as [Scanner];
const plain: Scanner = {
  ...first,
  sizePixels: size,
  contrast: 1,
  brightness: 0,
  detailGain: 0,
  blurSigmaPixels: 0,
  noiseStdDev: 0,
  exposure: 1,
  scatter: 0,
  vignetting: 0,
  collimation: 0,
};

const flat = (attenuation: number): Float32Array => new Float32Array(size * size).fill(attenuation);
const film = (attenuation: Float32Array, change: Partial<Scanner>): Uint16Array =>
  expose(attenuation, { ...plain, ...change }, new SeededRandom('film'));

/** Mean and standard deviation of the middle, away from borders and marker. */
function middle(pixels: Uint16Array): { mean: number; stdDev: number } {
  const values: number[] = [];
  for (let j = 50; j < 250; j++) for (let i = 20; i < 220; i++) values.push(pixels[j * size + i] as number);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return { mean, stdDev: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) };
}

/** Noise in attenuation: grey noise over the local slope of the display curve. */
function noise(attenuation: number, change: Partial<Scanner>): number {
  const step = 0.02;
  const slope = middle(film(flat(attenuation + step), {})).mean - middle(film(flat(attenuation - step), {})).mean;
  return (middle(film(flat(attenuation), change)).stdDev * 2 * step) / slope;
}

describe('noise', () => {
  it.each([
    [2.2, 0.03, 1, 0.03],
    [2.2, 0.05, 0.5, 0.0707],
    [2.2, 0.06, 4, 0.03],
    [3.2, 0.02, 1, 0.02 * Math.exp(0.5)],
  ])('behind %d, stated %d, exposure %d', (attenuation, noiseStdDev, exposure, expected) => {
    const measured = noise(attenuation, { noiseStdDev, exposure });
    expect(measured / expected).toBeGreaterThan(0.95);
    expect(measured / expected).toBeLessThan(1.05);
  });

  it('is absent where none is stated', () => {
    expect(middle(film(flat(2.2), {})).stdDev).toBe(0);
  });
});

describe('image chain', () => {
  const edge = Float32Array.from({ length: size * size }, (_, k) => (k % size < size / 2 ? 2 : 2.4));
  /** Pixels between 10 % and 90 % of the step, in one row. */
  const edgeWidth = (blurSigmaPixels: number): number => {
    const row = film(edge, { blurSigmaPixels }).subarray(100 * size, 100 * size + 200);
    const [low, high] = [row[20] as number, row[199] as number];
    return row.filter((v) => v > low + 0.1 * (high - low) && v < low + 0.9 * (high - low)).length;
  };

  it('blurs an edge to 2.56 sigma', () => {
    expect(edgeWidth(0)).toBe(0);
    for (const sigma of [1.2, 2, 3]) expect(Math.abs(edgeWidth(sigma) - 2.56 * sigma)).toBeLessThan(1.2);
  });

  it('steepens with contrast', () => {
    const span = (contrast: number): number =>
      middle(film(flat(2.4), { contrast })).mean - middle(film(flat(2.1), { contrast })).mean;
    expect(span(1.4) / span(0.7)).toBeGreaterThan(1.8);
  });

  it('draws L at the right of the image and R at the left', () => {
    const bright = (letter: 'L' | 'R'): { left: number; right: number } => {
      const pixels = film(flat(0.5), { marker: { ...plain.marker, letter } });
      const columns = [...pixels.keys()].filter((k) => (pixels[k] as number) > 60_000).map((k) => k % size);
      return {
        left: columns.filter((i) => i < size / 3).length,
        right: columns.filter((i) => i > (2 * size) / 3).length,
      };
    };
    expect(bright('L').left).toBe(0);
    expect(bright('L').right).toBeGreaterThan(15);
    expect(bright('R').left).toBeGreaterThan(15);
    expect(bright('R').right).toBe(0);
  });

  it('shutters the border', () => {
    const pixels = film(flat(4), { collimation: 0.05 });
    const border = Array.from({ length: size }, (_, i) => [pixels[i], pixels[i * size], pixels[(size - 1) * size + i]]);
    expect(Math.max(...border.flat().map((v) => v ?? Infinity))).toBe(0);
  });

  it('has the levels of a 12-bit detector', () => {
    const pixels = film(edge, { noiseStdDev: 0.05 });
    expect(pixels.every((v) => v % 16 === 0)).toBe(true);
    expect(new Set(pixels).size).toBeGreaterThan(256);
  });
});
