/** One invented patient as a handful of numbers: everything about the anatomy that is not a finding. */
import type { SeededRandom } from '@consilium/tensors';

export interface Habitus {
  readonly sex: 'female' | 'male';
  readonly ageYears: number;
  /** Half of the inner width of the rib cage at its widest, cm. */
  readonly chestHalfWidth: number;
  /** Half of the inner depth of the rib cage, cm. */
  readonly chestHalfDepth: number;
  /** Width of the upper rib cage against the reference: low is a cone, high a barrel. */
  readonly barrel: number;
  /** How far a turn of the body moves the heart to the patient's left, cm. */
  readonly rotation: number;
  /** Thickness of skin, fat and muscle outside the ribs, cm. */
  readonly softTissue: number;
  /** Height of the top of the right diaphragm, cm from the top of the grid; lower is a deeper breath. */
  readonly rightDome: number;
  readonly leftDome: number;
  /** Width of the heart against the reference. */
  readonly heartScale: number;
  /** Radius of the aortic arch, cm; grows with age. */
  readonly aorticKnob: number;
  /** How far a rib falls from the spine to the side, against the reference. */
  readonly ribFall: number;
  /** Bone against the reference; less with age. */
  readonly boneDensity: number;
  /** Projection of a breast, cm; 0 for none. */
  readonly breast: number;
  /** How far the left shoulder is above the right one, cm. */
  readonly shoulderTilt: number;
  /** Sideways curve of the spine, cm. */
  readonly scoliosis: number;
  /** Mass of lung tissue and vessels against the reference; a high one mimics a mild finding. */
  readonly markings: number;
  /** Gas in the stomach, cm; 0 for none. */
  readonly gastricBubble: number;
}

export function drawHabitus(random: SeededRandom): Habitus {
  const sex = random.uniform() < 0.5 ? 'female' : 'male';
  const ageYears = 22 + random.integer(66);
  const size = (sex === 'male' ? 1.02 : 0.95) + 0.03 * random.normal();
  const breath = random.normal(0, 0.5);
  const rightDome = 27.6 + breath;
  const softTissue = Math.max(0.9, random.normal(1.9, 0.4));
  return {
    sex,
    ageYears,
    chestHalfWidth: 13.4 * size,
    chestHalfDepth: 8.6 * size + 0.25 * random.normal(),
    barrel: random.normal(1, 0.035),
    rotation: random.normal(0, 0.25),
    softTissue,
    rightDome,
    leftDome: rightDome + random.uniform(0.4, 1.7),
    heartScale: Math.min(1.28, Math.max(0.82, random.normal(0.95 + ageYears * 0.0015, 0.09))),
    aorticKnob: 1.15 + ageYears * 0.008 + 0.12 * random.normal(),
    ribFall: random.uniform(0.75, 1.25),
    boneDensity: 1.2 - ageYears * 0.004 + 0.06 * random.normal(),
    breast: sex === 'female' ? random.uniform(0.8, 2.2) + 0.4 * softTissue : 0,
    shoulderTilt: random.normal(0, 0.5),
    scoliosis: random.normal(0, 0.25),
    markings: random.uniform(0.85, 1.2),
    gastricBubble: random.uniform() < 0.65 ? random.uniform(1.2, 2.8) : 0,
  };
}
