/** How the patient stood for one exposure: a small turn, scale and shift between the grid and the detector. */
import type { SeededRandom } from '@consilium/tensors';
import { type Layer, gridSize } from './layer.js';

export interface Pose {
  /** Clockwise, radians. */
  readonly tilt: number;
  /** Grid pixels that the detector spans. */
  readonly spanPixels: number;
  /** Grid pixel that falls on the middle of the detector. */
  readonly centreColumn: number;
  readonly centreRow: number;
}

export function drawPose(random: SeededRandom): Pose {
  return {
    tilt: random.normal(0, 0.012),
    spanPixels: 366 * random.uniform(0.97, 1.03),
    centreColumn: gridSize / 2 + random.normal(0, 3),
    centreRow: 200 + random.normal(0, 3),
  };
}

/** Bilinear view of a layer, sizePixels^2; rays beyond the grid take its nearest value. */
export function view(layer: Layer, pose: Pose, sizePixels: number): Float32Array {
  const out = new Float32Array(sizePixels * sizePixels);
  const step = pose.spanPixels / sizePixels;
  const cos = Math.cos(pose.tilt) * step;
  const sin = Math.sin(pose.tilt) * step;
  const last = gridSize - 1.001;
  for (let j = 0; j < sizePixels; j++) {
    const dy = j + 0.5 - sizePixels / 2;
    for (let i = 0; i < sizePixels; i++) {
      const dx = i + 0.5 - sizePixels / 2;
      const column = Math.min(last, Math.max(0, pose.centreColumn + dx * cos + dy * sin - 0.5));
      const row = Math.min(last, Math.max(0, pose.centreRow + dy * cos - dx * sin - 0.5));
      const c = column | 0;
      const r = row | 0;
      const k = r * gridSize + c;
      const across = column - c;
      const above = (layer[k] as number) * (1 - across) + (layer[k + 1] as number) * across;
      const below = (layer[k + gridSize] as number) * (1 - across) + (layer[k + gridSize + 1] as number) * across;
      out[j * sizePixels + i] = above + (row - r) * (below - above);
    }
  }
  return out;
}
