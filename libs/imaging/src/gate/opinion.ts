/**
 * What the pixels say where no header does. Thresholds were set on the half of a development collection whose patients'
 * SHA-256 is even in its first byte, and on 18 odd pictures; `npm run bench -- gate` measures the other half.
 * They favour the film: a healthy one in quarantine costs the hospital more than an odd one that stays.
 */
import type { Appearance } from './appearance.js';
import type { GateCode, GateFlag } from './examine.js';
import type { Stated } from './header.js';

export interface PixelOpinion {
  readonly refusal?: { readonly code: GateCode; readonly detail?: string };
  readonly flags: readonly GateFlag[];
}

/** A slice has sharp edges everywhere, and either air all around the body or white without texture. */
const SLICE = { edges: 0.075, top: 0.2, bottom: 0.5, corner: 0.35, white: 0.5 };
/** A turned or inverted chest fits by so much better than an upright one, and fits at all. */
const OTHERWISE = { margin: 0.2, likeness: 0.45 };
/** Nothing like a chest, neither from the front nor from the side, however turned. */
const STRANGE = 0.25;
/** See {@link laterality}. */
const LATERAL = { refused: 0.19, suspected: 0.12 };
/** The heart is on the other side, or behind the mediastinum, or the film is turned over: not enough to refuse. */
const HEART_ELSEWHERE = -0.05;

/**
 * Large for one dark field without a bright middle. A linear discriminant of 8 lateral films and some 830 frontal ones,
 * rounded; dimensionless.
 */
export const laterality = ({ lateral, frontal, ridge }: Appearance): number =>
  lateral - 0.35 * frontal - 0.4 * ridge.height - 0.5 * ridge.share;

function isSlice({ texture: { edges, top, bottom, corner, white } }: Appearance): boolean {
  const airAround = top < SLICE.top && bottom < SLICE.bottom && corner < SLICE.corner;
  return edges > SLICE.edges && (airAround || white > SLICE.white);
}

/** The best of the ways in which a chest can be shown wrongly; undefined where upright fits about as well. */
function otherwise(seen: Appearance): { code: GateCode; detail?: string } | undefined {
  const ways = [
    { likeness: seen.clockwise, code: 'ROTATED', detail: 'by 90 degrees clockwise' },
    { likeness: seen.upsideDown, code: 'ROTATED', detail: 'by 180 degrees' },
    { likeness: seen.anticlockwise, code: 'ROTATED', detail: 'by 90 degrees anticlockwise' },
    { likeness: seen.inverted, code: 'INVERTED', detail: 'bone is dark' },
  ] as const;
  const best = ways.reduce((a, b) => (b.likeness > a.likeness ? b : a));
  const clear = best.likeness > OTHERWISE.likeness && best.likeness - seen.frontal > OTHERWISE.margin;
  return clear ? { code: best.code, detail: best.detail } : undefined;
}

const isStrange = (seen: Appearance): boolean =>
  Math.max(seen.frontal, seen.lateral, seen.clockwise, seen.upsideDown, seen.anticlockwise, seen.inverted) < STRANGE;

/** @param stated - what a header has answered is not asked again. */
export function pixelOpinion(seen: Appearance, stated: Stated): PixelOpinion {
  const flags: GateFlag[] = [];
  if (!stated.radiograph && isSlice(seen)) return { refusal: { code: 'CT_SLICE' }, flags };
  const shown = otherwise(seen);
  if (shown !== undefined) {
    if (shown.code === 'ROTATED' && !stated.orientation) return { refusal: shown, flags };
    if (shown.code === 'INVERTED' && !stated.radiograph) return { refusal: shown, flags };
    flags.push(shown.code === 'ROTATED' ? 'MAYBE_ROTATED' : 'MAYBE_INVERTED');
  }
  if (!stated.radiograph && isStrange(seen)) return { refusal: { code: 'NOT_A_RADIOGRAPH' }, flags };
  const side = laterality(seen);
  if (!stated.frontal && side > LATERAL.refused) return { refusal: { code: 'NOT_FRONTAL' }, flags };
  if (!stated.frontal && side > LATERAL.suspected) flags.push('MAYBE_LATERAL');
  if (!stated.orientation && seen.heartSide < HEART_ELSEWHERE) flags.push('MAYBE_MIRRORED');
  return { flags };
}
