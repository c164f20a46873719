/** Ribs, clavicles, scapulae, spine and humeri: bone as cm of path on top of the soft tissue that it replaces. */
import type { SeededRandom } from '@consilium/tensors';
import { smoothstep } from './curve.js';
import type { Habitus } from './habitus.js';
import { type Layer, addEllipsoid, newLayer } from './layer.js';
import type { Landmarks } from './thorax.js';
import { type TubePoint, drawTube, onGrid, rod, shell, strip } from './tube.js';

export function drawSkeleton(habitus: Habitus, landmarks: Landmarks, random: SeededRandom): Layer {
  const bone = newLayer();
  drawRibs(bone, 'posterior', habitus, landmarks);
  // Crossing tubes add up only between layers: front ribs over back ribs, clavicles over both.
  const front = newLayer();
  drawRibs(front, 'anterior', habitus, landmarks);
  const others = newLayer();
  drawClavicles(others, habitus);
  drawScapulae(others, habitus, random);
  drawSpine(others, habitus);
  for (let k = 0; k < bone.length; k++) {
    bone[k] = habitus.boneDensity * ((bone[k] as number) + (front[k] as number) + (others[k] as number));
  }
  return bone;
}

/** Height of the i-th rib at the spine, cm; the first rib is 1. */
function ribOrigin(i: number): number {
  return 7.2 + 1.98 * (i - 1) + 0.02 * i * i;
}

/**
 * A rib is a tilted ring: it leaves the spine almost level, falls to the side, and comes back lower in front.
 * Projected, that is the crossing pattern of a frontal film.
 */
function drawRibs(layer: Layer, part: 'posterior' | 'anterior', habitus: Habitus, landmarks: Landmarks): void {
  const raster = onGrid(layer);
  for (const side of [-1, 1]) {
    for (let i = 1; i <= 11; i++) {
      const origin = ribOrigin(i);
      const fall = habitus.ribFall * (i === 1 ? 1.2 : i === 2 ? 2.3 : 3.3 + 0.24 * i);
      const across = landmarks.cageHalfWidth(origin + fall) + 0.25 - (i < 3 ? 0.5 : 0);
      const path: TubePoint[] = [];
      if (part === 'posterior') {
        for (let k = 0; k <= 15; k++) {
          const angle = 0.16 + (k / 15) * (Math.PI / 2 + 0.02 - 0.16);
          const y = origin - 0.3 * Math.sin(2 * angle) + fall * (0.3 * (1 - Math.cos(angle)) + 0.47 * angle);
          path.push({
            x: side * across * Math.sin(angle),
            y,
            radius: 0.6,
            depth: 0.5 + 0.06 * smoothstep(0.9, 1.5, angle),
          });
        }
      } else if (i <= 8) {
        const level = origin + fall * (0.3 + 0.47 * 1.57);
        for (let k = 0; k <= 13; k++) {
          const t = k / 13;
          const angle = Math.PI / 2 + t * 0.32 * Math.PI;
          const y = level + (i === 1 ? 1.4 : 2.2 + 0.35 * i) * habitus.ribFall * Math.sin(t * 1.45);
          const depth = (0.42 - 0.14 * smoothstep(0, 0.35, t)) * (1 - smoothstep(0.8, 1, t));
          path.push({ x: side * across * Math.sin(angle), y, radius: 0.62 + 0.12 * t, depth });
        }
      }
      drawTube(raster, path, shell);
    }
  }
}

function drawClavicles(layer: Layer, { shoulderTilt, sex }: Habitus): void {
  const raster = onGrid(layer);
  const length = sex === 'male' ? 15.6 : 14.2;
  for (const side of [-1, 1]) {
    const path: TubePoint[] = [];
    for (let k = 0; k <= 14; k++) {
      const t = k / 14;
      const lift = 1.9 * smoothstep(0, 0.9, t) + side * shoulderTilt * t;
      const y = 11.3 - lift - 0.55 * Math.sin(2 * Math.PI * t);
      const radius = 0.62 + 0.35 * (1 - smoothstep(0, 0.14, t)) + 0.25 * smoothstep(0.75, 1, t);
      path.push({ x: side * (1.9 + (length - 1.9) * t), y, radius, depth: 0.95 - 0.25 * smoothstep(0.6, 1, t) });
    }
    drawTube(raster, path, shell);
  }
}

function drawScapulae(layer: Layer, { shoulderTilt, sex }: Habitus, random: SeededRandom): void {
  const raster = onGrid(layer);
  const outward = random.uniform(-0.8, 0.9);
  const wide = sex === 'male' ? 1 : 0.93;
  for (const side of [-1, 1]) {
    const dy = -side * shoulderTilt;
    const point = (x: number, y: number, radius: number, depth: number): TubePoint => ({
      x: side * (x + outward) * wide,
      y: y + dy,
      radius,
      depth,
    });
    const margin = [point(11.2, 11.5, 0.22, 0.1), point(11.6, 15, 0.2, 0.2), point(13.2, 20.8, 0.4, 0.25)];
    const lateral = [point(13.2, 20.8, 0.4, 0.25), point(15, 16, 0.6, 0.4), point(16.3, 13, 0.8, 0.6)];
    const spine = [point(11.6, 12.6, 0.3, 0.3), point(14.5, 10.4, 0.45, 0.6), point(17, 9.3, 0.75, 0.7)];
    const coracoid = [point(14.8, 11.6, 0.5, 0.5), point(15.9, 11.2, 0.55, 0.7)];
    for (const path of [margin, lateral, spine, coracoid]) drawTube(raster, path, rod);
    const head = point(18.2, 12.2, 0, 0);
    addEllipsoid(layer, { x: head.x, y: head.y, halfWidth: 2.2, halfHeight: 2.3, depth: 1.3 });
    drawTube(raster, [point(18.9, 13.5, 1.5, 1.1), point(20.3, 18, 1.15, 1.2), point(24, 32, 1.1, 1.2)], shell);
  }
}

/** Vertebral bodies with discs between them, their pedicles and spinous processes, and the transverse processes. */
function drawSpine(layer: Layer, { scoliosis }: Habitus): void {
  const raster = onGrid(layer);
  const axis = (y: number): number => scoliosis * Math.sin((y - 4) / 9);
  for (let i = -3; i < 16; i++) {
    const top = ribOrigin(i + 1) - 0.75;
    const height = ribOrigin(i + 2) - ribOrigin(i + 1);
    const half = 1.25 + 0.035 * Math.max(0, i);
    const centre = top + height / 2;
    const x = axis(centre);
    const left = x - half;
    const right = x + half;
    const edge = (y: number): TubePoint[] => [
      { x: left, y, radius: 0.14, depth: 0.75 },
      { x: right, y, radius: 0.14, depth: 0.75 },
    ];
    drawTube(raster, edge(top + 0.22), rod);
    drawTube(raster, edge(top + height - 0.22), rod);
    const bodyRadius = (height - 0.3) / 2;
    drawTube(
      raster,
      [
        { x: left + bodyRadius * 0.6, y: centre, radius: bodyRadius, depth: 0.62 },
        { x: right - bodyRadius * 0.6, y: centre, radius: bodyRadius, depth: 0.62 },
      ],
      strip,
    );
    for (const side of [-1, 1]) {
      addEllipsoid(layer, {
        x: x + side * half * 0.72,
        y: centre - 0.25,
        halfWidth: 0.3,
        halfHeight: 0.48,
        depth: 0.3,
      });
      const process = [
        { x: x + side * half, y: centre - 0.3, radius: 0.42, depth: 0.25 },
        { x: x + side * (half + 1.5), y: centre - 0.6, radius: 0.4, depth: 0.18 },
      ];
      if (i < 12) drawTube(raster, process, rod);
    }
    addEllipsoid(layer, { x, y: centre + 0.55, halfWidth: 0.28, halfHeight: 0.62, depth: 0.35 });
  }
}
