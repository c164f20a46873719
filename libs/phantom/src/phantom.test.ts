/**
 * Claims: (1) the same request gives the same pixels, another seed or exposure other ones; (2) exposures of one
 * patient are on average more alike than two patients; (3) a label changes the lungs and nothing else: pneumonia one lung, covid
 * both, and brighter; (4) every normal film has the order of greys of a chest film; (5) findings grow
 * with severity, and patients differ in it. Oracle: differences of attenuation, and fixed places on the film.
 */
import { SeededRandom } from '@consilium/tensors';
import { describe, expect, it } from 'vitest';
import { drawFindings } from './findings.js';
import { demoHospitals } from './hospitals.js';
import { columnCm, gridSize, rowCm } from './layer.js';
import { drawPatient } from './patient.js';
import { type PhantomImage, renderPhantom } from './phantom.js';
import type { Scanner } from './scanner.js';
import { drawThorax } from './thorax.js';

const [a, b, c] = demoHospitals(3, 'test').map((hospital) => hospital.scanner) as [Scanner, Scanner, Scanner];
const seeds = Array.from({ length: 8 }, (_, i) => `patient ${i}`);

/** Mean grey of a rectangle given as shares of the film. */
function meanGrey({ pixels, widthPixels, heightPixels }: PhantomImage, box: readonly number[]): number {
  const [left, right, top, bottom] = box as [number, number, number, number];
  let sum = 0;
  let count = 0;
  for (let j = Math.round(top * heightPixels); j < bottom * heightPixels; j++) {
    for (let i = Math.round(left * widthPixels); i < right * widthPixels; i++) {
      sum += pixels[j * widthPixels + i] as number;
      count++;
    }
  }
  return sum / count;
}

function correlation(x: Uint16Array, y: Uint16Array): number {
  const mean = (v: Uint16Array): number => v.reduce((sum, p) => sum + p, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let k = 0; k < x.length; k++) {
    const [dx, dy] = [(x[k] as number) - mx, (y[k] as number) - my];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xy / Math.sqrt(xx * yy);
}

/** What the finding adds, as sums over the right and the left half, and over everything outside the rib cage. */
function added(
  seed: string,
  label: 'pneumonia' | 'covid',
): { right: number; left: number; outside: number; least: number } {
  const normal = drawPatient(seed, 'normal').attenuation;
  const ill = drawPatient(seed, label).attenuation;
  const sums = { right: 0, left: 0, outside: 0, least: 0 };
  for (let k = 0; k < normal.length; k++) {
    const difference = (ill[k] as number) - (normal[k] as number);
    const x = columnCm(k % gridSize);
    const y = rowCm(Math.floor(k / gridSize));
    sums.least = Math.min(sums.least, difference);
    if (Math.abs(x) > 15.5 || y < 8 || y > 38) sums.outside += Math.abs(difference);
    else sums[x < 0 ? 'right' : 'left'] += difference;
  }
  return sums;
}

describe('determinism', () => {
  it('gives the same pixels for the same request', () => {
    const request = { seed: 's', label: 'covid', scanner: c, exposureIndex: 1 } as const;
    expect(renderPhantom(request).pixels).toEqual(renderPhantom(request).pixels);
  });

  it('keeps the patient and changes the film from exposure to exposure', () => {
    const scanner = { ...a, sizePixels: 128 };
    const film = (seed: string, exposureIndex: number): Uint16Array =>
      renderPhantom({ seed, label: 'normal', scanner, exposureIndex }).pixels;
    const first = film('s', 0);
    expect(film('s', 1)).not.toEqual(first);
    expect(film('t', 0)).not.toEqual(first);
    expect(drawPatient('s', 'normal').habitus).toEqual(drawPatient('s', 'covid').habitus);
    expect(drawPatient('s', 'normal').habitus).not.toEqual(drawPatient('t', 'normal').habitus);
    const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
    const same = mean([1, 2, 3, 4, 5, 6].map((i) => correlation(first, film('s', i))));
    const other = mean(seeds.map((seed) => correlation(first, film(seed, 0))));
    expect(same).toBeGreaterThan(other);
    expect(same).toBeGreaterThan(0.85);
  });
});

describe('anatomy', () => {
  it.each([a, b, c])('has the greys of a chest film on a $name', (scanner) => {
    for (const seed of seeds) {
      const film = renderPhantom({ seed, label: 'normal', scanner });
      const rightLung = meanGrey(film, [0.25, 0.33, 0.38, 0.48]);
      const leftLung = meanGrey(film, [0.67, 0.75, 0.38, 0.48]);
      const spine = meanGrey(film, [0.47, 0.53, 0.5, 0.6]);
      const heart = meanGrey(film, [0.56, 0.62, 0.58, 0.64]);
      const mirroredHeart = meanGrey(film, [0.36, 0.42, 0.58, 0.64]);
      const abdomen = meanGrey(film, [0.3, 0.4, 0.85, 0.92]);
      for (const lung of [rightLung, leftLung]) {
        expect(lung).toBeLessThan(0.75 * spine);
        expect(lung).toBeLessThan(0.75 * abdomen);
      }
      expect(heart).toBeGreaterThan(1.1 * mirroredHeart);
    }
  });

  it('puts the right diaphragm above the left one', () => {
    for (const seed of seeds) {
      const { habitus } = drawPatient(seed, 'normal');
      expect(habitus.rightDome).toBeLessThan(habitus.leftDome);
    }
  });
});

describe('findings', () => {
  it('puts pneumonia into one lung', () => {
    for (const seed of seeds) {
      const { right, left, outside, least } = added(seed, 'pneumonia');
      expect(outside).toBe(0);
      expect(least).toBeGreaterThan(-1e-6);
      expect(Math.min(right, left)).toBeLessThan(0.02 * Math.max(right, left));
      expect(Math.max(right, left)).toBeGreaterThan(0);
    }
  });

  it('puts covid into both lungs', () => {
    for (const seed of seeds) {
      const { right, left, outside, least } = added(seed, 'covid');
      expect(outside).toBe(0);
      expect(least).toBeGreaterThan(-1e-6);
      expect(Math.min(right, left)).toBeGreaterThan(0.1 * Math.max(right, left));
    }
  });

  it('brightens the peripheral lung on the film', () => {
    const zones = [
      [0.17, 0.27, 0.45, 0.66],
      [0.73, 0.83, 0.45, 0.66],
    ];
    const zone = (label: 'normal' | 'covid', seed: string): number => {
      const film = renderPhantom({ seed, label, scanner: a });
      return zones.reduce((sum, box) => sum + meanGrey(film, box), 0);
    };
    const gains = seeds.map((seed) => zone('covid', seed) / zone('normal', seed));
    expect(Math.min(...gains)).toBeGreaterThan(1);
    expect(gains.reduce((sum, gain) => sum + gain, 0) / gains.length).toBeGreaterThan(1.1);
  });

  it.each(['pneumonia', 'covid'] as const)('ranges from subtle to plain %s', (label) => {
    const { landmarks } = drawThorax(drawPatient('s', 'normal').habitus);
    const filled = (severity: number): number => {
      const layer = drawFindings(label, severity, landmarks, new SeededRandom('finding')) ?? new Float32Array();
      return layer.reduce((sum, share) => sum + share, 0);
    };
    expect(filled(0)).toBeGreaterThan(0);
    expect(filled(0.5)).toBeGreaterThan(2 * filled(0));
    expect(filled(1)).toBeGreaterThan(1.5 * filled(0.5));
    const severities = seeds.map((seed) => drawPatient(seed, label).severity);
    expect(Math.max(...severities) - Math.min(...severities)).toBeGreaterThan(0.5);
  });
});
