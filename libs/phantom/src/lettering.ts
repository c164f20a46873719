/** Stroke letters: markers and captions need no font file, and look the same on every machine. */
import { type Raster, drawTube, strip } from './tube.js';

type Stroke = readonly (readonly [x: number, y: number])[];

const bowl = (top: number, bottom: number): Stroke => {
  const [middle, half] = [(top + bottom) / 2, (bottom - top) / 2];
  return Array.from({ length: 9 }, (_, k) => {
    const angle = -Math.PI / 2 + (k / 8) * Math.PI;
    return [0.28 + 0.32 * Math.cos(angle), middle + half * Math.sin(angle)] as const;
  });
};
const oval = (from: number, to: number): Stroke =>
  Array.from({ length: 17 }, (_, k) => {
    const angle = ((from + ((to - from) * k) / 16) * Math.PI) / 180;
    return [0.32 + 0.32 * Math.cos(angle), 0.5 + 0.5 * Math.sin(angle)] as const;
  });
const stem: Stroke = [
  [0, 0],
  [0, 1],
];

/** Strokes in a box that is 1 high and 0.64 wide, y downwards. */
const strokes = {
  A: [
    [
      [0, 1],
      [0.32, 0],
      [0.64, 1],
    ],
    [
      [0.12, 0.64],
      [0.52, 0.64],
    ],
  ],
  C: [oval(50, 310)],
  D: [
    [
      [0.28, 0],
      [0, 0],
      [0, 1],
      [0.28, 1],
    ],
    bowl(0, 1),
  ],
  E: [
    stem,
    [
      [0, 0],
      [0.56, 0],
    ],
    [
      [0, 0.48],
      [0.48, 0.48],
    ],
    [
      [0, 1],
      [0.56, 1],
    ],
  ],
  I: [
    [
      [0.32, 0],
      [0.32, 1],
    ],
  ],
  L: [
    stem,
    [
      [0, 1],
      [0.56, 1],
    ],
  ],
  M: [
    [
      [0, 1],
      [0, 0],
      [0.32, 0.6],
      [0.64, 0],
      [0.64, 1],
    ],
  ],
  N: [
    [
      [0, 1],
      [0, 0],
      [0.6, 1],
      [0.6, 0],
    ],
  ],
  O: [oval(0, 360)],
  P: [
    stem,
    [
      [0, 0],
      [0.28, 0],
    ],
    [
      [0, 0.54],
      [0.28, 0.54],
    ],
    bowl(0, 0.54),
  ],
  R: [
    stem,
    [
      [0, 0],
      [0.28, 0],
    ],
    [
      [0, 0.54],
      [0.28, 0.54],
    ],
    bowl(0, 0.54),
    [
      [0.3, 0.54],
      [0.62, 1],
    ],
  ],
  U: [
    [
      [0, 0],
      [0, 0.7],
      [0.1, 0.92],
      [0.32, 1],
      [0.54, 0.92],
      [0.64, 0.7],
      [0.64, 0],
    ],
  ],
  V: [
    [
      [0, 0],
      [0.32, 1],
      [0.64, 0],
    ],
  ],
} satisfies Record<string, readonly Stroke[]>;

type Letter = keyof typeof strokes;

export interface TextStyle {
  /** Centre of the text, pixels. */
  readonly x: number;
  readonly y: number;
  /** Height of the letters, pixels. */
  readonly height: number;
  /** In the units of the raster. */
  readonly brightness: number;
  /** Clockwise, radians. */
  readonly tilt?: number;
  readonly ringed?: boolean;
}

/** Draws text by maximum. @throws RangeError for a letter that has no strokes. */
export function drawText(image: Omit<Raster, 'pixelsPerUnit' | 'originX'>, text: string, style: TextStyle): void {
  const { x, y, height, brightness, tilt = 0, ringed = false } = style;
  const raster: Raster = { ...image, pixelsPerUnit: 1, originX: 0 };
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const radius = Math.max(0.9, height * 0.09);
  const advance = 0.92;
  const draw = (stroke: Stroke): void => {
    const path = stroke.map(([u, v]) => {
      const [dx, dy] = [u * height, v * height];
      return { x: x + dx * cos - dy * sin, y: y + dx * sin + dy * cos, radius, depth: brightness };
    });
    drawTube(raster, path, strip);
  };
  const width = (text.length - 1) * advance + 0.64;
  for (let k = 0; k < text.length; k++) {
    const letter = text.charAt(k);
    if (!isLetter(letter)) throw new RangeError(`no strokes for the letter ${letter}`);
    for (const stroke of strokes[letter]) draw(stroke.map(([u, v]) => [u + k * advance - width / 2, v - 0.5] as const));
  }
  if (ringed) draw(oval(0, 360).map(([u, v]) => [(u - 0.32) * 2.9, (v - 0.5) * 1.86] as const));
}

function isLetter(letter: string): letter is Letter {
  return letter in strokes;
}
