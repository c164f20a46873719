/** Pulmonary vessels: two trees that leave the hila, fork and thin out before they reach the pleura. */
import type { SeededRandom } from '@consilium/tensors';
import { type Layer, addEllipsoid, newLayer } from './layer.js';
import { type TubePoint, drawTube, onGrid, rod } from './tube.js';

/** The left hilum is higher than the right one. */
const hila = [
  { side: -1, x: -3.3, y: 17.9 },
  { side: 1, x: 3.7, y: 16.9 },
];

/** Degrees from lateral, downwards positive, and the calibre in cm of the lobar and segmental vessels. */
const lobar = [
  { degrees: -72, radius: 0.42, lengthCm: 2.6 },
  { degrees: -48, radius: 0.36, lengthCm: 2.4 },
  { degrees: -20, radius: 0.34, lengthCm: 2.6 },
  { degrees: 8, radius: 0.36, lengthCm: 2.6 },
  { degrees: 34, radius: 0.4, lengthCm: 2.8 },
  { degrees: 58, radius: 0.5, lengthCm: 3.2 },
  { degrees: 76, radius: 0.62, lengthCm: 3.4 },
];

/** Path lengths through vessels, cm, as if each vessel lay in the frontal plane. */
export function drawVessels(random: SeededRandom): Layer {
  const layer = newLayer();
  for (const hilum of hila) {
    addEllipsoid(layer, { x: hilum.x, y: hilum.y + 0.8, halfWidth: 1.3, halfHeight: 2.2, depth: 0.9 });

    for (const { degrees, radius, lengthCm } of lobar) {
      const heading = ((degrees + random.normal(0, 6)) * Math.PI) / 180;
      grow(layer, random, { ...hilum, heading, radius: radius * random.uniform(0.85, 1.15), lengthCm, generation: 0 });
    }
  }
  return layer;
}

interface Branch {
  readonly side: number;
  readonly x: number;
  readonly y: number;
  readonly heading: number;
  readonly radius: number;
  readonly lengthCm: number;
  readonly generation: number;
}

const generations = 5;

function grow(layer: Layer, random: SeededRandom, branch: Branch): void {
  const { side, radius, generation } = branch;
  let { x, y, heading } = branch;
  const endRadius = radius * 0.8;
  const steps = 3;
  const path: TubePoint[] = [{ x, y, radius, depth: 2 * radius }];
  for (let k = 1; k <= steps; k++) {
    heading += random.normal(0, 0.1);
    x += (side * Math.cos(heading) * branch.lengthCm) / steps;
    y += (Math.sin(heading) * branch.lengthCm) / steps;
    const r = radius + ((endRadius - radius) * k) / steps;
    path.push({ x, y, radius: r, depth: 2 * r });
  }
  drawTube(onGrid(layer), path, rod);
  if (generation === generations) return;
  const spread = random.uniform(0.3, 0.62);
  const major = random.uniform(0.76, 0.9);
  for (const [turn, share] of [
    [-spread * (1 - major) * 2, major],
    [spread, random.uniform(0.55, 0.75)],
  ] as const) {
    const sign = random.uniform() < 0.5 ? -1 : 1;
    grow(layer, random, {
      side,
      x,
      y,
      heading: heading + sign * turn,
      radius: endRadius * share,
      lengthCm: branch.lengthCm * random.uniform(0.66, 0.86),
      generation: generation + 1,
    });
  }
}
