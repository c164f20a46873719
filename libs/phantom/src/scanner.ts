/** The X-ray machine of one hospital: how attenuation becomes the grey levels of its films. */
import type { SeededRandom } from '@consilium/tensors';
import { broadMean, gaussianBlur } from './blur.js';
import { smoothstep } from './curve.js';
import { type Marker, drawMarker } from './marker.js';
import { tileIndex, tileOffset, whiteNoise } from './noise.js';

export interface Scanner {
  readonly name: string;
  /** Width and height of its images, 96 .. 1024. */
  readonly sizePixels: number;
  /** Steepness of the display curve against the reference, 0.5 .. 2. */
  readonly contrast: number;
  /** Moves the whole film darker (negative) or brighter, in units of attenuation, -1 .. 1. */
  readonly brightness: number;
  /** How far the processing lifts fine structure above broad shadows: 0 is a plain film, 1 is a hard digital look. */
  readonly detailGain: number;
  /** Standard deviation of the noise in attenuation (natural log), behind the lung, at an exposure of 1. */
  readonly noiseStdDev: number;
  /** Standard deviation of the blur of focal spot and detector, pixels, 0 .. 4. */
  readonly blurSigmaPixels: number;
  /** Dose against the reference, 0.1 .. 4; the noise falls with its square root. */
  readonly exposure: number;
  /** Scattered over primary radiation behind air; it washes out the mediastinum. 0.002 .. 0.05. */
  readonly scatter: number;
  /** Darkening towards the corners, 0 .. 0.5. */
  readonly vignetting: number;
  /** Width of the shuttered, black border, as a share of the image, 0 .. 0.1. */
  readonly collimation: number;
  readonly marker: Marker;
  readonly format: 'png16' | 'jpeg';
}

/** Attenuation behind a lung of the reference patient: where `noiseStdDev` is stated and the display curve is centred. */
const reference = 2.2;

/**
 * Turns attenuation into a film: blur, quantum noise, scatter, processing, display curve, borders, marker.
 *
 * @param attenuation - minus the log of the transmitted share, row-major, sizePixels^2. Not modified.
 * @returns Grey levels, 0 .. 65520 in steps of 16 (a 12-bit detector), bright for dense tissue.
 */
export function expose(attenuation: Float32Array, scanner: Scanner, random: SeededRandom): Uint16Array<ArrayBuffer> {
  const size = scanner.sizePixels;
  const signal = gaussianBlur(attenuation, size, size, scanner.blurSigmaPixels);
  addQuantumNoise(signal, scanner, random);
  const scattered = tabulate(0, 12, (a) => -Math.log(Math.exp(-a) + scanner.scatter));
  for (let k = 0; k < signal.length; k++) signal[k] = scattered(signal[k] as number);
  const grey = process(signal, scanner);
  frame(grey, scanner, random);
  drawMarker(grey, size, scanner.marker, random);
  return quantised(grey);
}

/** 0 .. 1 to a 12-bit level in the upper bits. */
function quantised(grey: Float32Array): Uint16Array<ArrayBuffer> {
  const pixels = new Uint16Array(grey.length);
  for (let k = 0; k < grey.length; k++) {
    const level = ((grey[k] as number) * 4095 + 0.5) | 0;
    pixels[k] = (level < 0 ? 0 : level > 4095 ? 4095 : level) << 4;
  }
  return pixels;
}

/** The log of a Poisson count of mean n has a standard deviation of n^-1/2: few quanta behind the heart, much noise. */
function addQuantumNoise(
  signal: Float32Array,
  { sizePixels, noiseStdDev, exposure }: Scanner,
  random: SeededRandom,
): void {
  const noise = whiteNoise();
  const base = noiseStdDev / Math.sqrt(exposure);
  const ceiling = 2.6;
  const stdDev = tabulate(0, 12, (a) => base * Math.min(ceiling, Math.exp((a - reference) / 2)));
  for (let j = 0; j < sizePixels; j++) {
    const [column, row] = tileOffset(random);
    for (let i = 0; i < sizePixels; i++) {
      const k = j * sizePixels + i;
      const value = signal[k] as number;
      signal[k] = value + stdDev(value) * (noise[tileIndex(column + i, row)] as number);
    }
  }
}

/** Lifts detail over a broad local mean, then applies the display curve. Returns 0 .. 1. */
function process(signal: Float32Array, { sizePixels, detailGain, contrast, brightness }: Scanner): Float32Array {
  const broad = broadMean(signal, sizePixels, sizePixels / 20);
  const curve = tabulate(-6, 6, (a) => 1 / (1 + Math.exp(-1.4 * contrast * a)));
  const grey = new Float32Array(signal.length);
  const centre = reference + 0.1 - brightness;
  for (let k = 0; k < signal.length; k++) {
    const value = signal[k] as number;
    grey[k] = curve(value + detailGain * (value - (broad[k] as number)) - centre);
  }
  return grey;
}

/** A smooth function as a table of 4096 linear pieces, constant outside: the exponentials would be half of the time. */
function tabulate(low: number, high: number, f: (x: number) => number): (x: number) => number {
  const pieces = 4096;
  const table = Float32Array.from({ length: pieces + 2 }, (_, i) =>
    f(low + (Math.min(i, pieces) / pieces) * (high - low)),
  );
  const perUnit = pieces / (high - low);
  return (x) => {
    const position = (x < low ? 0 : x > high ? high - low : x - low) * perUnit;
    const i = position | 0;
    const below = table[i] as number;
    return below + (position - i) * ((table[i + 1] as number) - below);
  };
}

/** Vignetting and the shutters of the collimator, which are never quite straight. */
function frame(grey: Float32Array, { sizePixels, vignetting, collimation }: Scanner, random: SeededRandom): void {
  const edge = (): number => collimation * sizePixels * random.uniform(0.4, 1.6);
  const [left, right, top, bottom] = [edge(), edge(), edge(), edge()];
  const skew = random.normal(0, 0.006);
  for (let j = 0; j < sizePixels; j++) {
    const v = (2 * j) / sizePixels - 1;
    const slant = skew * (j - sizePixels / 2);
    const vertical = Math.min(j - top, sizePixels - 1 - j - bottom);
    for (let i = 0; i < sizePixels; i++) {
      const u = (2 * i) / sizePixels - 1;
      const k = j * sizePixels + i;
      const radiusSquared = (u * u + v * v) / 2;
      let shade = 1 - vignetting * radiusSquared * radiusSquared;
      const inside = Math.min(i - left + slant, sizePixels - 1 - i - right - slant, vertical);
      if (collimation > 0 && inside < 3) shade *= smoothstep(-1, 2, inside);
      grey[k] = (grey[k] as number) * shade;
    }
  }
}
