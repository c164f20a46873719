/**
 * Claims: (1) any count in 1 .. 20 gives that many sites with distinct names and class shares that add up to 1; (2) the
 * first three do not depend on the seed and differ in scanner, marker and mix; (3) their films differ measurably in
 * noise and contrast; (4) other counts are refused. Oracle: high-pass residue and grey range of rendered films.
 */
import { expect, it } from 'vitest';
import { demoHospitals } from './hospitals.js';
import { renderPhantom } from './phantom.js';

it('lists the hospitals', () => {
  for (const count of [1, 3, 20]) {
    const hospitals = demoHospitals(count, 'seed');
    expect(new Set(hospitals.map(({ site }) => site)).size).toBe(count);
    for (const { classShares } of hospitals) {
      const { normal, pneumonia, covid } = classShares;
      expect(normal + pneumonia + covid).toBeCloseTo(1, 12);
      expect(Math.min(normal, pneumonia, covid)).toBeGreaterThan(0);
    }
  }
  expect(demoHospitals(3, 'x')).toEqual(demoHospitals(3, 'y'));
  expect(demoHospitals(4, 'x')[3]).not.toEqual(demoHospitals(4, 'y')[3]);
  expect(demoHospitals(2, 'x')).toEqual(demoHospitals(4, 'x').slice(0, 2));
});

it('mixes patients differently', () => {
  const [a, b, c] = demoHospitals(3, 'x').map(({ classShares }) => classShares);
  expect(a?.normal).toBeGreaterThan(0.5);
  expect(b?.pneumonia).toBeGreaterThanOrEqual(0.5);
  expect(c?.covid).toBeGreaterThan(0.5);
});

it('renders films that differ in noise and contrast', () => {
  const measured = demoHospitals(3, 'x').map(({ scanner }) => {
    const { pixels, widthPixels } = renderPhantom({ seed: 'p', label: 'normal', scanner });
    const middle = widthPixels / 2;
    const [edge, side] = [Math.round(widthPixels / 10), Math.round(widthPixels / 6.4)];
    const residues: number[] = [];
    const greys: number[] = [];
    for (let j = edge; j < widthPixels - edge; j++) {
      for (let i = side; i < widthPixels - side; i++) {
        const k = j * widthPixels + i;
        const value = pixels[k] as number;
        greys.push(value);
        const abdomen = j > 1.75 * middle && Math.abs(i - middle) < side;
        if (abdomen) residues.push(Math.abs(value - (pixels[k + 1] as number)));
      }
    }
    greys.sort((x, y) => x - y);
    return {
      noise: residues.reduce((sum, v) => sum + v, 0) / residues.length,
      range: (greys[Math.floor(greys.length * 0.9)] as number) - (greys[Math.floor(greys.length * 0.1)] as number),
    };
  });
  const [a, b, c] = measured as [(typeof measured)[0], (typeof measured)[0], (typeof measured)[0]];
  expect(c.noise).toBeGreaterThan(1.5 * a.noise);
  expect(c.noise).toBeGreaterThan(1.5 * b.noise);
  expect(a.range).toBeGreaterThan(1.2 * b.range);
});

it.each([0, 21, 2.5, Number.NaN])('refuses a count of %d', (count) => {
  expect(() => demoHospitals(count, 'x')).toThrow(RangeError);
});
