/** One patient on the grid: tissues become attenuation by the Beer-Lambert law. */
import { SeededRandom } from '@consilium/tensors';
import { type PhantomLabel, drawFindings } from './findings.js';
import { type Habitus, drawHabitus } from './habitus.js';
import { type Layer, addEllipsoid, gridSize, newLayer } from './layer.js';
import { grainNoise, tileIndex, tileOffset } from './noise.js';
import { drawSkeleton } from './skeleton.js';
import { drawThorax } from './thorax.js';
import { drawTube, onGrid, rod } from './tube.js';
import { drawVessels } from './vessels.js';

export interface Patient {
  readonly habitus: Habitus;
  /** 0 (subtle) .. 1 (obvious); has no meaning for `normal`. */
  readonly severity: number;
  /** Minus the log of the transmitted share on each ray. */
  readonly attenuation: Layer;
}

/** Per cm, at the effective energy of a chest film behind a patient. Bone is what it adds to soft tissue. */
const softTissuePerCm = 0.185;
const bonePerCm = 0.42;
/** Density of an inflated lung without its large vessels, against water. */
const lungDensity = 0.25;

/** Invents a patient. The anatomy depends on the seed alone; the label only adds its finding. */
export function drawPatient(seed: string, label: PhantomLabel): Patient {
  const random = new SeededRandom(`${seed}/anatomy`);
  const habitus = drawHabitus(random);
  const { landmarks, body, lung } = drawThorax(habitus);
  const bone = drawSkeleton(habitus, landmarks, random);
  const vessels = drawVessels(random);
  const gas = drawGas(habitus, random);
  const [grainColumn, grainRow] = tileOffset(random);
  const findingRandom = new SeededRandom(`${seed}/${label}`);
  const severity = 1 - findingRandom.uniform() ** 2;
  const finding = drawFindings(label, severity, landmarks, findingRandom);

  const grain = grainNoise(1);
  const attenuation = newLayer();
  for (let k = 0; k < attenuation.length; k++) {
    const bodyCm = body[k] as number;
    if (bodyCm === 0) continue;
    const lungCm = lung[k] as number;
    let water = bodyCm - (gas[k] as number);
    if (lungCm > 0) {
      const texture =
        1 +
        0.09 *
          habitus.markings *
          (grain[tileIndex(grainColumn + (k % gridSize), grainRow + ((k / gridSize) | 0))] as number);
      const filled = finding === undefined ? 0 : (finding[k] as number);
      const vessel = Math.min(lungCm, (vessels[k] as number) * habitus.markings * 2.6);
      water -= (lungCm - vessel) * (1 - lungDensity * texture) * (1 - filled);
    }
    attenuation[k] = softTissuePerCm * Math.max(0, water) + bonePerCm * Math.min(1, bodyCm / 3) * (bone[k] as number);
  }
  return { habitus, severity, attenuation };
}

/** Air outside the lungs: trachea, main bronchi, stomach and bowel; cm of soft tissue that is missing. */
function drawGas(habitus: Habitus, random: SeededRandom): Layer {
  const gas = newLayer();
  const raster = onGrid(gas);
  const point = (x: number, y: number, radius: number): { x: number; y: number; radius: number; depth: number } => ({
    x,
    y,
    radius,
    depth: 1.9 * radius,
  });
  const bend = random.uniform(0, 0.5);
  drawTube(raster, [point(0, 0, 0.85), point(0, 8, 0.85), point(-bend, 13, 0.85), point(-bend * 0.6, 15.8, 0.9)], rod);
  drawTube(raster, [point(-bend * 0.6, 15.6, 0.75), point(-2.6, 17.6, 0.6)], rod);
  drawTube(raster, [point(-bend * 0.6, 15.6, 0.7), point(3.6, 18.2, 0.5)], rod);
  const { gastricBubble, leftDome } = habitus;
  if (gastricBubble > 0) {
    const y = leftDome + 1.1 + gastricBubble * 0.62;
    addEllipsoid(gas, {
      x: 7 + random.normal(0, 0.8),
      y,
      halfWidth: gastricBubble * 1.5,
      halfHeight: gastricBubble * 0.8,
      depth: 3.2,
      tilt: -0.1,
    });
  }
  for (let k = random.integer(4); k > 0; k--) {
    const radius = random.uniform(0.7, 1.5);
    addEllipsoid(gas, {
      x: random.uniform(1, 11),
      y: random.uniform(36, 41),
      halfWidth: radius * 1.4,
      halfHeight: radius,
      depth: 1.8,
    });
  }
  return gas;
}
