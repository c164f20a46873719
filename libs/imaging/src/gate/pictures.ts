/** Pictures for the tests of the gate, drawn with other shapes than the gate's own templates. No program imports it. */
import { SeededRandom } from '@consilium/tensors';
import type { XrayImage } from '../xray.js';

export const SIDE = 112;

type Grey = (x: number, y: number) => number;

/** 1 inside an ellipse, 0 outside. */
const inside = (x: number, y: number, cx: number, cy: number, rx: number, ry: number): number =>
  1 / (1 + Math.exp(12 * (Math.hypot((x - cx) / rx, (y - cy) / ry) - 1)));
const over = (below: number, above: number, share: number): number => below + (above - below) * share;

/** @param noise - standard deviation. */
export function drawn(grey: Grey, seed = 'picture', noise = 0.02): Float32Array<ArrayBuffer> {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length: SIDE * SIDE }, (_, k) => {
    const value = grey((k % SIDE) / SIDE, Math.floor(k / SIDE) / SIDE) + noise * random.uniform(-1.7, 1.7);
    return Math.min(1, Math.max(0, value));
  });
}

/** A frontal chest; the seed moves its parts and adds round shadows. */
export function frontal(seed: string): Float32Array<ArrayBuffer> {
  const random = new SeededRandom(`frontal/${seed}`);
  const jitter = (size: number): number => random.uniform(-size, size);
  const [width, top, base] = [0.14 + jitter(0.02), 0.45 + jitter(0.03), 1.08 + jitter(0.03)];
  const spots = Array.from({ length: 14 }, () => ({
    x: 0.5 + jitter(0.35),
    y: 0.45 + jitter(0.35),
    r: random.uniform(0.02, 0.07),
    grey: jitter(0.2),
  }));
  return drawn((x, y) => {
    const body = 0.62 * Math.max(inside(x, y, 0.5, 0.65, 0.5, 0.6), inside(x, y, 0.5, 0, 0.14, 0.25));
    const left = over(body, 0.22, inside(x, y, 0.28, top, width, 0.29));
    const lungs = over(left, 0.22, inside(x, y, 0.72, top, width, 0.29));
    const spine = over(lungs, 0.8, Math.exp(-(((x - 0.5) / 0.08) ** 2)));
    const heart = over(spine, 0.78, inside(x, y, 0.57, 0.62, 0.13, 0.14));
    const grey = over(heart, 0.92, inside(x, y, 0.5, base, 0.5, 0.34));
    return spots.reduce((sum, { x: cx, y: cy, r, grey: depth }) => sum + depth * inside(x, y, cx, cy, r, r), grey);
  }, seed);
}

/** One field of lung, the spine behind it, air before the sternum. */
export const lateral = (seed: string): Float32Array<ArrayBuffer> =>
  drawn((x, y) => {
    const body = over(0.7, 0.3, inside(x, y, 0.44, 0.42, 0.28, 0.36));
    const belly = over(body, 0.72, inside(x, y, 0.45, 1, 0.6, 0.3));
    return belly * (1 - 0.97 * Math.min(1, Math.max(0, (x - 0.7 - 0.2 * y) * 15)));
  }, seed);

/** An axial slice: air, a bright wall with a sharp edge, black lungs full of vessels. */
export function slice(seed: string): Float32Array<ArrayBuffer> {
  const random = new SeededRandom(`slice/${seed}`);
  const vessels = Array.from({ length: 400 }, () => [random.uniform(0.15, 0.85), random.uniform(0.25, 0.75)] as const);
  return drawn((x, y) => {
    const isBody = Math.hypot((x - 0.5) / 0.46, (y - 0.5) / 0.34) < 1;
    const isLung = [0.3, 0.7].some((cx) => Math.hypot((x - cx) / 0.15, (y - 0.5) / 0.24) < 1);
    const isVessel = isLung && vessels.some(([u, v]) => Math.hypot(x - u, y - v) < 0.008);
    return isVessel ? 0.9 : isBody && !isLung ? 0.65 + (Math.floor(x * 80 + y * 60) % 2) * 0.2 : 0.02;
  }, seed);
}

/** A quarter turn clockwise. */
export const turned = (pixels: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> =>
  pixels.map((_, k) => pixels[(SIDE - 1 - (k % SIDE)) * SIDE + Math.floor(k / SIDE)] ?? 0);

export const turnedOver = (pixels: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> =>
  pixels.map((_, k) => pixels[k - (k % SIDE) + SIDE - 1 - (k % SIDE)] ?? 0);

export const asImage = (pixels: Float32Array<ArrayBuffer>, dicom?: XrayImage['dicom']): XrayImage => ({
  format: dicom === undefined ? 'png' : 'dicom',
  width: SIDE,
  height: SIDE,
  pixels,
  ...(dicom === undefined ? {} : { dicom }),
});
