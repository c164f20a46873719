/** What the label means in the image: the share of the lung's air that is replaced by fluid, ray by ray. */
import type { SeededRandom } from '@consilium/tensors';
import { smoothstep } from './curve.js';
import { type Layer, columnCm, extentOf, gridSize, newLayer, rowCm } from './layer.js';
import { grainNoise, tileIndex, tileOffset } from './noise.js';
import type { Landmarks } from './thorax.js';
import { type TubePoint, drawTube, onGrid, rod } from './tube.js';

export const phantomLabels = ['normal', 'pneumonia', 'covid'] as const;
export type PhantomLabel = (typeof phantomLabels)[number];

/**
 * Draws the finding of a label.
 *
 * @param severity - 0 (at the limit of what a reader sees) to 1 (obvious).
 * @returns Shares in [0, 1); `undefined` for `normal`.
 */
export function drawFindings(
  label: PhantomLabel,
  severity: number,
  landmarks: Landmarks,
  random: SeededRandom,
): Layer | undefined {
  switch (label) {
    case 'normal':
      return undefined;
    case 'pneumonia':
      return drawConsolidation(severity, landmarks, random);
    case 'covid':
      return drawGroundGlass(severity, landmarks, random);
  }
}

/** A patch: an ellipse with an irregular, soft margin. */
interface Patch {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly share: number;
  /** Width of the margin against the radius: 0.3 is firm, 1 is a cloud. */
  readonly softness: number;
  /** How much the grain modulates the share. */
  readonly texture: number;
  /** Nothing above this line (a fissure), cm. */
  readonly ceiling?: number;
  /** Nothing below this line, cm. */
  readonly floor?: number;
}

interface Lobe {
  /** -1 is the patient's right. */
  readonly side: -1 | 1;
  /** Share of the way from the apex to the dome. */
  readonly height: number;
  /** Share of the way from the midline to the ribs. */
  readonly across: number;
  /** The minor fissure, as a height, where it bounds the lobe below or above. */
  readonly floor?: number;
  readonly ceiling?: number;
}

const minorFissure = 0.53;
const rightUpper: Lobe = { side: -1, height: 0.3, across: 0.62, floor: minorFissure };
const rightMiddle: Lobe = { side: -1, height: 0.72, across: 0.55, ceiling: minorFissure };
const rightLower: Lobe = { side: -1, height: 0.88, across: 0.6 };
const leftUpper: Lobe = { side: 1, height: 0.34, across: 0.6 };
const lingula: Lobe = { side: 1, height: 0.7, across: 0.72 };
const leftLower: Lobe = { side: 1, height: 0.9, across: 0.72 };
const lobes = [rightUpper, rightMiddle, rightLower, leftUpper, lingula, leftLower];

function drawConsolidation(severity: number, landmarks: Landmarks, random: SeededRandom): Layer {
  const layer = newLayer();
  const lobe = lobes[random.integer(lobes.length)] as Lobe;
  const { apex, domeTop, cageHalfWidth } = landmarks;
  const height = (lobe.side < 0 ? domeTop.right : domeTop.left) - apex;
  const y = apex + height * lobe.height + random.normal(0, 0.5);
  const x = lobe.side * cageHalfWidth(y) * (lobe.across + random.normal(0, 0.05));
  const size = 2.6 + 2.9 * severity + random.uniform(0, 0.8);
  const core: Patch = {
    x,
    y,
    halfWidth: size * random.uniform(0.9, 1.3),
    halfHeight: size * random.uniform(0.8, 1.2),
    share: 0.2 + 0.6 * severity,
    softness: random.uniform(0.75, 1.15),
    texture: 0.1,
    ...(lobe.floor === undefined ? {} : { floor: apex + height * lobe.floor }),
    ...(lobe.ceiling === undefined ? {} : { ceiling: apex + height * lobe.ceiling }),
  };
  addPatch(layer, core, random);
  for (let k = 0; k < 2; k++) {
    const satellite = { x: x + random.normal(0, size * 0.55), y: y + random.normal(0, size * 0.5) };
    const half = size * random.uniform(0.4, 0.7);
    addPatch(
      layer,
      { ...core, ...satellite, halfWidth: half, halfHeight: half, share: core.share * 0.5, softness: 1.1 },
      random,
    );
  }
  clearBronchi(layer, core, lobe.side, random);
  return layer;
}

/** Air bronchograms: the airways stay open, so they show faintly dark inside the dense lobe. */
function clearBronchi(layer: Layer, core: Patch, side: number, random: SeededRandom): void {
  const airways = newLayer();
  const root = { x: core.x - side * core.halfWidth * 0.9, y: core.y - core.halfHeight * random.uniform(-0.1, 0.5) };
  for (let k = 0; k < 5; k++) {
    let heading = random.uniform(-0.7, 1);
    const path: TubePoint[] = [];
    let { x, y } = root;
    for (let i = 0; i < 9; i++) {
      path.push({ x, y, radius: 0.15 - 0.01 * i, depth: 0.2 - 0.018 * i });
      heading += random.normal(0, 0.16);
      x += side * 0.19 * core.halfWidth * Math.cos(heading);
      y += 0.19 * core.halfHeight * Math.sin(heading);
    }
    drawTube(onGrid(airways), path, rod);
  }
  for (let k = 0; k < layer.length; k++) layer[k] = (layer[k] as number) * (1 - (airways[k] as number));
}

function drawGroundGlass(severity: number, landmarks: Landmarks, random: SeededRandom): Layer {
  const layer = newLayer();
  const { apex, domeTop, cageHalfWidth } = landmarks;
  const perSide = 2 + Math.round(4 * severity);
  for (const side of [-1, 1] as const) {
    const height = (side < 0 ? domeTop.right : domeTop.left) - apex;
    for (let k = 0; k < perSide; k++) {
      const y = apex + height * Math.min(1.04, Math.max(0.16, random.normal(0.7, 0.2)));
      const size = random.uniform(1.6, 2.5) + 1.2 * severity;
      addPatch(
        layer,
        {
          x: side * (cageHalfWidth(y) - random.uniform(0.6, 3.4)),
          y,
          halfWidth: size * random.uniform(0.75, 1.05),
          halfHeight: size * random.uniform(0.9, 1.35),
          share: (0.14 + 0.36 * severity) * random.uniform(0.7, 1.3),
          softness: random.uniform(0.7, 1),
          texture: 0.13,
        },
        random,
      );
    }
  }
  return layer;
}

/** Patches that overlap fill what air is left: shares combine as 1 - (1 - a)(1 - b). */
function addPatch(layer: Layer, patch: Patch, random: SeededRandom): void {
  const { x, y, halfWidth, halfHeight, share, softness, texture, ceiling = -1, floor = 100 } = patch;
  const [shape, grain] = [grainNoise(13), grainNoise(2)];
  const [shapeColumn, shapeRow] = tileOffset(random);
  const [grainColumn, grainRow] = tileOffset(random);
  const slope = random.normal(0, 0.05);
  const margin = 1.8;
  const extent = extentOf(
    x - halfWidth * margin,
    x + halfWidth * margin,
    y - halfHeight * margin,
    y + halfHeight * margin,
  );
  for (let j = extent.rowStart; j < extent.rowEnd; j++) {
    const v = (rowCm(j) - y) / halfHeight;
    for (let i = extent.columnStart; i < extent.columnEnd; i++) {
      const cm = columnCm(i);
      const u = (cm - x) / halfWidth;
      const distance = Math.sqrt(u * u + v * v) + 0.17 * (shape[tileIndex(i + shapeColumn, j + shapeRow)] as number);
      if (distance >= 1 + softness * 0.5) continue;
      const fissure = rowCm(j) - 0.014 * (cm - x) * (cm - x) - slope * (cm - x);
      const bounded = smoothstep(ceiling - 0.3, ceiling + 0.5, fissure) * smoothstep(floor + 0.3, floor - 0.5, fissure);
      const modulation = 1 + texture * (grain[tileIndex(i + grainColumn, j + grainRow)] as number);
      const local = share * smoothstep(1 + softness * 0.5, 1 - softness * 0.5, distance) * bounded * modulation;
      if (local <= 0) continue;
      const k = j * gridSize + i;
      layer[k] = 1 - (1 - (layer[k] as number)) * (1 - Math.min(0.92, local));
    }
  }
}
