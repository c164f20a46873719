/**
 * What a frontal and a lateral film look like from ten steps away. Neither was made from anybody's image: the frontal one
 * is the mean of synthetic films, the lateral one is drawn from an anatomy book.
 */
import { GRID_SIDE, mirrored } from './grid.js';

/**
 * Mean of 240 films of @consilium/phantom, 12 of each hospital of demoHospitals(20, 'gate-tune') with the three labels in
 * turn, each cropped to the body as the gate does; 32 x 32 bytes.
 */
const MEAN_PHANTOM =
  'Cw4LCQcHBwcHDB08VmVydXRzZ1hAHwwHBwYGBwcICAcQEw8LCQgICxAaL0xhb3x/fn5xY1AzGw8KCAcHDRIPDA4REQsODhMbJjhO' +
  'Ym94goKBgnlwZVM8KBoSDQsVGA0TCxIYGRskMUBSY3F8goePj42PiIN+dWlYRjQlGh8lGhoQGikvPU5gcH2Hj5aboKaioaagm5eR' +
  'ioF1ZlRBNzQlGR81SlhpeIWPl5mZm5ulsq+usqmdmpiZmJKJfG5gUjklNlJtfYyYoaiml4F4d5C6vL3DpHx1f5Oip6KZjoFzWDlV' +
  'aHyNnKixsJ1/bWlsgLvGyM6hcWZqepissaqdj31nUm91g5CdpqWUcFdPUFh2wNLW3allUE5Wb5OlqKCRgnNsbnSDkJ6kl3heUElF' +
  'RmC42N3fum5KSFBed5eloJKDdnFeZXqRn5+IZVRNSUZHZL7g5eXJgU9ITVVlh5+hlH5qYE9RbI6dmHleU09MR0dlveDm37dvTEpP' +
  'VV96l56TclVORD5ag5OKbllQTUxNUWq64ufVmWJRTE1UW22JkohfQUM7Mkt3iHxmWFJNS0xUabHm7NOsdlZNUFhdZXuHe1A0OzUr' +
  'SHWHe2ZZUU5OVGJ/xOvx48yYZE9QWF1leIV5Ti41LidKd4d8amRdVVJXZpDM7PDiz6ZqUFNeZWl4hXpOKi4nJUx4h3xuaGFaWV91' +
  'rNnw8ufZw5NnV1xkanmGeU8oKCAlT3eGfXRya2JcX3y23e/x593Uv5h0aGxweoZ4UiciGyZSeYiBeXVtZWNsmMzn8/Tt5uDVv51/' +
  'c3R+iXpVKB0WKFV8jIV+fHZuaXGf0Ojz9Ozm4dvQvaKJfYKNfVgqGBMpV32QiYF7dG1sdaTV7fX28ezn4dfIspiIiJF/WSsVESlX' +
  'fo+HfXhzcGxvl8zn8/Tu6eXg2c+9oo2JkoBaKxIPKVd8i4N8foOLjpOu1Onz9fDr5uDYzbujkIqQf1orEQ8pVXmGhZa0yNPX2+Ts' +
  '8PXz6+np6eXeza+QhYp8WCsQDyhTd4qiw9nj6Ovw9vj5+vbz8vPy7+riz62MhnhVKhAPKFF5m7bO3+jt8PL09vj6+ff09PPv6+XZ' +
  'xKSPdlIqEA8nUn+kvdHf5+vt7/H0+Pv7+fTy7uvo5NvMtZ19UikQDydTg6nB0d3k6e3v8fP3+vr49PLv7Ojj2s6+qYRUKRAPKFWG' +
  'rMLR3eXq7fDy8/f6+vjz8vDu6uXc0MGtiFcqEBApV4esw9Ld5Ort8PHz9/n59/Px8O7q5d7Sw66KWSwRECtYiKzD0tzj6ezv8PL1' +
  '+Pj18fDu7Ojj3NLErotbLRIOJEx1lam2v8bKzdDR0tbY2NXR0M/NycS+tqqXeE4mDw==';

/** The heart on the right of the picture, where it is on a film shown as if the patient faced the reader. */
export const FRONTAL_WITH_HEART: Float32Array = Float32Array.from(
  Buffer.from(MEAN_PHANTOM, 'base64'),
  (byte) => byte / 255,
);

const otherSide = mirrored(FRONTAL_WITH_HEART, GRID_SIDE);

/** Its own mirror image. */
export const FRONTAL: Float32Array = FRONTAL_WITH_HEART.map((grey, k) => (grey + (otherSide[k] ?? 0)) / 2);

interface Ellipse {
  readonly x: number;
  readonly y: number;
  readonly radiusX: number;
  readonly radiusY: number;
  /** Lean of the upper end towards the right edge, in radians. */
  readonly lean?: number;
}

/** Steepness of a drawn edge: about a tenth of the radius is neither in nor out. */
const SHARPNESS = 8;

/** 1 inside, 0 outside, soft edge. */
function inside({ x: cx, y: cy, radiusX, radiusY, lean = 0 }: Ellipse, x: number, y: number): number {
  const [dx, dy] = [x - cx, y - cy];
  const u = (Math.cos(lean) * dx + Math.sin(lean) * dy) / radiusX;
  const v = (Math.cos(lean) * dy - Math.sin(lean) * dx) / radiusY;
  return 1 / (1 + Math.exp(SHARPNESS * (Math.hypot(u, v) - 1)));
}

const mix = (from: number, to: number, share: number): number => from + (to - from) * share;

/** @param x - of a point of the unit square, from the left. @param y - from the top. */
function lateral(x: number, y: number): number {
  const lung = mix(0.75, 0.25, inside({ x: 0.47, y: 0.45, radiusX: 0.27, radiusY: 0.32, lean: -0.15 }, x, y));
  const body = Math.max(lung, 0.65 * inside({ x: 0.5, y: 0.92, radiusX: 0.6, radiusY: 0.25 }, x, y));
  const air = Math.min(1, Math.max(0, (x - (0.72 + 0.22 * y)) * 12));
  return body * (1 - 0.95 * air);
}

/** One dark field with the body around it, the diaphragm below, and slanting air before the sternum. */
export const LATERAL: Float32Array = Float32Array.from({ length: GRID_SIDE * GRID_SIDE }, (_, k) =>
  lateral((k % GRID_SIDE) / (GRID_SIDE - 1), Math.floor(k / GRID_SIDE) / (GRID_SIDE - 1)),
);
