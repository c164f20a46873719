/** What the gate says about one picture, without knowing any other. */
import type { XrayImage } from '../xray.js';
import { appearance } from './appearance.js';
import { fingerprint } from './fingerprint.js';
import { headerOpinion } from './header.js';
import { pixelOpinion } from './opinion.js';

/** Part of the name of every stored examination. It changes with any change of what {@link examine} gives. */
export const GATE_VERSION = 'gate/1';

export type GateCode =
  /** The header names a modality that is no projection radiograph. */
  | 'WRONG_MODALITY'
  | 'WRONG_BODY_PART'
  /** A lateral or oblique view, by its header or by its looks. */
  | 'NOT_FRONTAL'
  | 'CT_SLICE'
  | 'NOT_A_RADIOGRAPH'
  | 'NEARLY_BLANK'
  | 'ROTATED'
  /** By its header: pixels alone are never enough to say so. */
  | 'MIRRORED'
  /** Bone is dark and air is bright. */
  | 'INVERTED';

/** Suspicions too weak to quarantine a film for. */
export type GateFlag = 'MAYBE_MIRRORED' | 'MAYBE_LATERAL' | 'MAYBE_ROTATED' | 'MAYBE_INVERTED';

/** JSON-able; holds no name and no id. It stays in the hospital all the same: the fingerprint is a tiny picture. */
export interface Examination {
  readonly refusal?: { readonly code: GateCode; readonly detail?: string };
  readonly flags: readonly GateFlag[];
  /** Base64 of what near-duplicates are recognised by, also mirrored. */
  readonly fingerprint: string;
  /** Shares of the pixels in 32 equal steps of the windowed grey; they add up to 1. */
  readonly histogram: readonly number[];
  readonly format: XrayImage['format'];
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
}

const STEPS = 32;
/** Of the pixels, in one step of the histogram: a picture with a label and nothing else. */
const BLANK_SHARE = 0.9;

function histogramOf(pixels: Float32Array): number[] {
  const counts = new Uint32Array(STEPS);
  for (let i = 0; i < pixels.length; i++) {
    const step = Math.min(STEPS - 1, Math.floor((pixels[i] as number) * STEPS));
    counts[step] = (counts[step] as number) + 1;
  }
  return Array.from(counts, (count) => count / pixels.length);
}

/**
 * A header is believed where it speaks, and pixels are asked where it is silent. Pure; a few milliseconds.
 *
 * @param image - its pixels have the shape (side, side), windowed to [0, 1].
 */
export function examine({ format, width, height, pixels, dicom }: XrayImage): Examination {
  const side = Math.sqrt(pixels.length);
  const histogram = histogramOf(pixels);
  const facts = { fingerprint: fingerprint(pixels, side), histogram, format, width, height };
  const header = headerOpinion(dicom);
  if (header.refusal !== undefined) return { refusal: header.refusal, flags: [], ...facts };
  if (Math.max(...histogram) > BLANK_SHARE) return { refusal: { code: 'NEARLY_BLANK' }, flags: [], ...facts };
  return { ...pixelOpinion(appearance(pixels, side), header.stated), ...facts };
}
