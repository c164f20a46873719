/** The body and the air in it: outline, rib cage, diaphragm and the silhouette of the mediastinum, as path lengths. */
import { clamp, outline, smoothstep } from './curve.js';
import type { Habitus } from './habitus.js';
import { type Layer, columnCm, extentOf, gridSize, newLayer, perRow, rowCm } from './layer.js';

/** The landmarks that bones, vessels and findings are placed by, in cm. */
export interface Landmarks {
  readonly apex: number;
  /** Inner half width of the rib cage at a height. */
  readonly cageHalfWidth: (y: number) => number;
  readonly domeTop: { readonly right: number; readonly left: number };
}

export interface Thorax {
  readonly landmarks: Landmarks;
  /** Soft tissue if the lungs were full of it. */
  readonly body: Layer;
  /** The aerated part of the lungs. */
  readonly lung: Layer;
}

const apex = 8.3;
/** Distance from the midline at which a lung is deepest, cm. */
const deepest = 4.9;
/** The lung ends this far below the top of its dome, at the back. */
const recess = 6;

export function drawThorax(habitus: Habitus): Thorax {
  const cageHalfWidth = outline([
    [apex, 5.1],
    [apex + 0.7, 6.9],
    [apex + 2, 8.6 * habitus.barrel],
    [apex + 5, 10.9 * habitus.barrel],
    [apex + 10, habitus.chestHalfWidth * 0.955 * Math.sqrt(habitus.barrel)],
    [apex + 16, habitus.chestHalfWidth],
    [34, habitus.chestHalfWidth * 1.01],
  ]);
  const landmarks = { apex, cageHalfWidth, domeTop: { right: habitus.rightDome, left: habitus.leftDome } };
  return { landmarks, body: drawBody(habitus, cageHalfWidth), lung: drawLung(habitus, landmarks) };
}

function drawBody(habitus: Habitus, cageHalfWidth: (y: number) => number): Layer {
  const { softTissue, chestHalfDepth } = habitus;
  const wall = (y: number): number => cageHalfWidth(y) + 0.9 + softTissue;
  const bulk = habitus.sex === 'male' ? 1 : 0.93;
  const half = outline([
    [0, 5.6 * bulk + 0.4 * softTissue],
    [3.2, 5.8 * bulk + 0.5 * softTissue],
    [5, 8 * bulk + 0.6 * softTissue],
    [6.6, 13 * bulk + 0.5 * softTissue],
    [8.4, 17.6 * bulk + 0.3 * softTissue],
    [11, 19.6 * bulk],
    [14.5, 18.3 * bulk],
    [17.5, Math.max(wall(17.5), 16)],
    [24, wall(24)],
    [32, wall(32) - 0.2],
    [44, wall(34) + 0.3 * softTissue],
  ]);
  const halfDepth = outline([
    [0, 5.6],
    [5, 6],
    [9, 6.6 + 0.5 * softTissue],
    [15, chestHalfDepth + 0.6 * softTissue],
    [25, chestHalfDepth + 1 + 0.8 * softTissue],
    [36, chestHalfDepth + 1.4 + softTissue],
  ]);
  const right = perRow((y) => half(y + habitus.shoulderTilt * clamp((20 - y) / 12, 0, 1)));
  const left = perRow((y) => half(y - habitus.shoulderTilt * clamp((20 - y) / 12, 0, 1)));
  const depth = perRow((y) => 2 * halfDepth(y));
  const body = newLayer();
  for (let j = 0; j < gridSize; j++) {
    const [rowRight, rowLeft, rowDepth] = [right[j] as number, left[j] as number, depth[j] as number];
    for (let i = 0; i < gridSize; i++) {
      const x = columnCm(i);
      const u = x < 0 ? -x / rowRight : x / rowLeft;
      if (u < 1) body[j * gridSize + i] = rowDepth * Math.sqrt(1 - u * u * Math.sqrt(u));
    }
  }
  drawArms(body, habitus);
  if (habitus.breast > 0) drawBreasts(body, habitus);
  return body;
}

function drawArms(body: Layer, { shoulderTilt, softTissue, sex }: Habitus): void {
  const radius = (sex === 'male' ? 4.1 : 3.5) + 0.35 * softTissue;
  for (const side of [-1, 1]) {
    const top = 11.6 - side * shoulderTilt;
    for (let j = Math.floor(top * 10) - 20; j < gridSize; j++) {
      const y = rowCm(j);
      const axis = side * (18.3 + 0.3 * Math.max(0, y - top));
      const cap = y < top ? Math.sqrt(Math.max(0, 1 - ((top - y) / 2) ** 2)) : 1;
      const { columnStart, columnEnd } = extentOf(axis - radius, axis + radius, y, y);
      for (let i = columnStart; i < columnEnd; i++) {
        const u = (columnCm(i) - axis) / radius;
        if (u * u >= 1) continue;
        const chord = 2 * radius * cap * Math.sqrt(1 - u * u);
        const k = j * gridSize + i;
        if (chord > (body[k] as number)) body[k] = chord;
      }
    }
  }
}

/** A breast hangs from the chest wall: no upper edge, a distinct lower one. */
function drawBreasts(body: Layer, { breast, chestHalfWidth, rightDome }: Habitus): void {
  const [halfWidth, halfHeight] = [6.4, 5 + breast];
  for (const side of [-1, 1]) {
    const [x, y] = [side * chestHalfWidth * 0.6, rightDome - 2.6];
    const extent = extentOf(x - halfWidth, x + halfWidth, y - halfHeight, y + halfHeight);
    for (let j = extent.rowStart; j < extent.rowEnd; j++) {
      const v = (rowCm(j) - y) / halfHeight;
      const depth = 1.5 * breast * smoothstep(-1, 0.5, v);
      for (let i = extent.columnStart; i < extent.columnEnd; i++) {
        const u = (columnCm(i) - x) / halfWidth;
        const inside = 1 - u * u - v * v;
        if (inside > 0) body[j * gridSize + i] = (body[j * gridSize + i] as number) + depth * Math.sqrt(inside);
      }
    }
  }
}

function drawLung(habitus: Habitus, { cageHalfWidth, domeTop }: Landmarks): Layer {
  const outer = perRow(cageHalfWidth);
  const inner = perRow(
    outline([
      [apex, 3.6],
      [apex + 0.9, 1.9],
      [apex + 4, -1],
      [apex + 9, -4],
    ]),
  );
  const depth = perRow(
    outline([
      [apex - 0.1, 0],
      [apex + 0.4, 4.5],
      [apex + 2, 8.5],
      [apex + 6, habitus.chestHalfDepth * 1.75],
      [apex + 14, habitus.chestHalfDepth * 2],
    ]),
  );
  const silhouette = drawMediastinum(habitus);
  const highestDome = Math.min(domeTop.right, domeTop.left);
  const lung = newLayer();
  for (let j = 0; j < gridSize; j++) {
    const rowDepth = depth[j] as number;
    if (rowDepth <= 0 || rowCm(j) < apex) continue;
    const y = rowCm(j);
    const outerCm = outer[j] as number;
    const innerCm = inner[j] as number;
    for (let i = 0; i < gridSize; i++) {
      const x = columnCm(i);
      const lateral = Math.abs(x) - deepest;
      const u = lateral > 0 ? lateral / (outerCm - deepest) : -lateral / (deepest - innerCm);
      if (u >= 1) continue;
      const aerated = y < highestDome ? 1 : aeration(y, x, outerCm, domeTop);
      if (aerated <= 0) continue;
      const path = rowDepth * Math.sqrt(1 - u * u) * aerated - (silhouette[j * gridSize + i] as number);
      if (path > 0) lung[j * gridSize + i] = path;
    }
  }
  return lung;
}

/** The share of a ray's lung that is left near and below the diaphragm: only the recess behind the dome. */
function aeration(y: number, x: number, wall: number, domeTop: Landmarks['domeTop']): number {
  const under = y - (x < 0 ? domeAt(domeTop.right, 6.2, -x, wall) : domeAt(domeTop.left, 6.8, x, wall));
  if (under <= 0) return 1;
  if (under >= recess) return 0;
  return 0.8 * (1 - Math.sqrt(Math.sqrt(under / recess))) * smoothstep(2.5, 6, Math.abs(x));
}

/** Height of the diaphragm: round at the top, steep towards the costophrenic angle, gentle towards the heart. */
function domeAt(top: number, peak: number, distance: number, wall: number): number {
  const off = distance - peak;
  if (off < 0) return top + 0.035 * off * off;
  const t2 = (off / (wall - peak)) ** 2;
  return top + 2.3 * t2 + 2 * t2 * t2 * t2;
}

/** Heart, great vessels and what lies between the lungs: the borders as traced on a film, and their depth. */
function drawMediastinum({ heartScale, aorticKnob, rotation }: Habitus): Layer {
  const rightBorder = perRow(
    outline([
      [6, 2.6],
      [11, 2.5],
      [15.5, 2.9],
      [18.5, 2.9],
      [20.5, 3.5 * heartScale],
      [24, 4.4 * heartScale],
      [27, 4.1 * heartScale],
      [30, 3],
    ]),
  );
  const leftBorder = perRow(
    outline([
      [6, 2.4],
      [11.5, 2.6],
      [13.2, 2.1 + aorticKnob],
      [14.6, 2.2 + aorticKnob],
      [16.1, 2.7],
      [18, 3.7],
      [19.8, 4.2 * heartScale],
      [22, 6.6 * heartScale],
      [24.4, 8.5 * heartScale],
      [26.4, 9.2 * heartScale],
      [28.4, 9.3 * heartScale],
      [31, 8.8 * heartScale],
      [34, 8],
    ]),
  );
  const depth = perRow(
    outline([
      [8, 12],
      [13, 14],
      [18, 13],
      [24, 13.5],
      [32, 12],
    ]),
  );
  const silhouette = newLayer();
  const { columnStart, columnEnd } = extentOf(-8, 14, 0, 0);
  for (let j = 0; j < gridSize; j++) {
    for (let i = columnStart; i < columnEnd; i++) {
      const x = columnCm(i) - 0.3 - rotation;
      const u = x < 0 ? -x / (rightBorder[j] as number) : x / (leftBorder[j] as number);
      if (u < 1) silhouette[j * gridSize + i] = (depth[j] as number) * Math.sqrt(1 - u * u);
    }
  }
  return silhouette;
}
