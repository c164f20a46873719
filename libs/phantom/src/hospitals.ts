/** The hospitals of the demonstration: each with its own machine, habits and mix of patients. */
import { SeededRandom } from '@consilium/tensors';
import type { PhantomLabel } from './findings.js';
import type { Scanner } from './scanner.js';

export interface DemoHospital {
  /** `hospital-a`, `hospital-b`, ... */
  readonly site: string;
  readonly scanner: Scanner;
  /** Shares that add up to 1. */
  readonly classShares: Readonly<Record<PhantomLabel, number>>;
}

/** The three that every demonstration starts with, chosen to differ in everything a model could hold on to. */
const first: readonly Omit<DemoHospital, 'site'>[] = [
  {
    scanner: {
      name: 'digital detector, hard processing',
      sizePixels: 320,
      contrast: 1.15,
      brightness: 0,
      detailGain: 0.5,
      noiseStdDev: 0.022,
      blurSigmaPixels: 0.5,
      exposure: 1.3,
      scatter: 0.006,
      vignetting: 0.05,
      collimation: 0.012,
      marker: { letter: 'L', heightShare: 0.08, sizeShare: 0.05, ringed: false },
      format: 'png16',
    },
    classShares: { normal: 0.55, pneumonia: 0.3, covid: 0.15 },
  },
  {
    scanner: {
      name: 'storage plate, soft processing',
      sizePixels: 320,
      contrast: 0.78,
      brightness: 0.25,
      detailGain: 0.15,
      noiseStdDev: 0.04,
      blurSigmaPixels: 1.3,
      exposure: 0.9,
      scatter: 0.02,
      vignetting: 0.2,
      collimation: 0,
      marker: { letter: 'R', heightShare: 0.07, sizeShare: 0.06, ringed: true },
      format: 'jpeg',
    },
    classShares: { normal: 0.32, pneumonia: 0.5, covid: 0.18 },
  },
  {
    scanner: {
      name: 'mobile unit on the ward',
      sizePixels: 320,
      contrast: 1,
      brightness: 0.05,
      detailGain: 0.4,
      noiseStdDev: 0.055,
      blurSigmaPixels: 0.8,
      exposure: 0.55,
      scatter: 0.012,
      vignetting: 0.3,
      collimation: 0.04,
      marker: { letter: 'L', heightShare: 0.2, sizeShare: 0.045, ringed: true },
      format: 'png16',
    },
    classShares: { normal: 0.25, pneumonia: 0.2, covid: 0.55 },
  },
];

/**
 * The hospitals of a demonstration. The first three are always the same and clearly unlike each other; further ones
 * are drawn from the seed.
 *
 * @param count - 1 .. 20.
 * @throws RangeError for any other count.
 */
export function demoHospitals(count: number, seed: string): DemoHospital[] {
  if (!Number.isInteger(count) || count < 1 || count > 20) throw new RangeError('count must be an integer in 1 .. 20');
  return Array.from({ length: count }, (_, i) => {
    const site = `hospital-${String.fromCharCode(97 + i)}`;
    const fixed = first[i];
    return fixed === undefined ? drawHospital(site, new SeededRandom(`${seed}/${site}`)) : { site, ...fixed };
  });
}

function drawHospital(site: string, random: SeededRandom): DemoHospital {
  const weights = [random.uniform(0.15, 1), random.uniform(0.15, 1), random.uniform(0.15, 1)] as const;
  const total = weights[0] + weights[1] + weights[2];
  return {
    site,
    scanner: {
      name: `machine of ${site}`,
      sizePixels: 320,
      contrast: random.uniform(0.75, 1.25),
      brightness: random.uniform(-0.2, 0.3),
      detailGain: random.uniform(0.1, 0.8),
      noiseStdDev: random.uniform(0.02, 0.08),
      blurSigmaPixels: random.uniform(0.4, 1.5),
      exposure: random.uniform(0.5, 1.5),
      scatter: random.uniform(0.005, 0.022),
      vignetting: random.uniform(0, 0.3),
      collimation: random.uniform() < 0.5 ? 0 : random.uniform(0.01, 0.045),
      marker: {
        letter: random.uniform() < 0.5 ? 'L' : 'R',
        heightShare: random.uniform(0.06, 0.22),
        sizeShare: random.uniform(0.04, 0.065),
        ringed: random.uniform() < 0.5,
      },
      format: random.uniform() < 0.5 ? 'png16' : 'jpeg',
    },
    classShares: { normal: weights[0] / total, pneumonia: weights[1] / total, covid: weights[2] / total },
  };
}
