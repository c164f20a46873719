/** What a DICOM header says of its picture. It is believed where it speaks; pixels are asked only where it is silent. */
import type { DicomFacts } from '@consilium/dicom';
import type { GateCode } from './examine.js';

export type HeaderFacts = Pick<DicomFacts, 'modality' | 'bodyPart' | 'viewPosition' | 'patientOrientation'>;

/** Projection radiographs: computed, digital, and radio fluoroscopy. DICOM PS3.3 C.7.3.1.1.1. */
const RADIOGRAPHS = new Set(['CR', 'DX', 'RF']);
/** What modalities write for the chest; words that name more than it, or another part of the trunk, are not that. */
const CHEST = /CHEST|THORA|LUNG|PULM/;
const NOT_ONLY_CHEST = /ABD|SPINE|PELV/;
const FRONTAL_VIEWS = new Set(['PA', 'AP']);

/** Trimmed capitals; undefined for what is empty. */
const word = (value: string | undefined): string | undefined => value?.trim().toUpperCase() || undefined;

/** Of a header, which of the gate's questions it has answered already. */
export interface Stated {
  readonly radiograph: boolean;
  readonly frontal: boolean;
  readonly orientation: boolean;
}

export interface HeaderOpinion {
  readonly refusal?: { readonly code: GateCode; readonly detail: string };
  readonly stated: Stated;
}

const MODALITY = /^[A-Z]{2,4}$/;

/** Letters that a standard names, or nothing: what a header holds besides may name a person. */
const quotable = (value: string): string => (MODALITY.test(value) ? value : 'another');

/**
 * Patient orientation is the direction of the rows, then of the columns, in the patient: `L\F` for a frontal film shown
 * as if the patient faced the reader. DICOM PS3.3 C.7.6.1.1.1.
 */
function orientationRefusal([row = '', column = '']: readonly string[]): HeaderOpinion['refusal'] {
  const [along, down] = [row.trim().toUpperCase()[0], column.trim().toUpperCase()[0]];
  if (along === undefined || down === undefined) return undefined;
  if (along === 'A' || along === 'P') return { code: 'NOT_FRONTAL', detail: 'a lateral orientation' };
  if (along === 'L' && down === 'H') return { code: 'MIRRORED', detail: 'top to bottom' };
  if (along === 'R' && down === 'F') return { code: 'MIRRORED', detail: 'left to right' };
  if (along === 'R' && down === 'H') return { code: 'ROTATED', detail: 'by 180 degrees' };
  if (along === 'H' || along === 'F') return { code: 'ROTATED', detail: 'by 90 degrees' };
  return undefined;
}

/** @param facts - from the file, so not trusted; undefined for a file without header. */
export function headerOpinion(facts: HeaderFacts | undefined): HeaderOpinion {
  const modality = word(facts?.modality);
  const bodyPart = word(facts?.bodyPart);
  const view = word(facts?.viewPosition);
  const orientation = facts?.patientOrientation ?? [];
  const stated: Stated = {
    radiograph: modality !== undefined,
    frontal: view !== undefined && FRONTAL_VIEWS.has(view),
    orientation: orientation[0]?.trim().toUpperCase().startsWith('L') === true,
  };
  const refuse = (code: GateCode, detail: string): HeaderOpinion => ({ refusal: { code, detail }, stated });
  if (modality !== undefined && !RADIOGRAPHS.has(modality)) return refuse('WRONG_MODALITY', quotable(modality));
  if (bodyPart !== undefined && (!CHEST.test(bodyPart) || NOT_ONLY_CHEST.test(bodyPart)))
    return refuse('WRONG_BODY_PART', 'not the chest');
  if (view !== undefined && !FRONTAL_VIEWS.has(view)) return refuse('NOT_FRONTAL', 'by its view position');
  const turned = orientationRefusal(orientation);
  return turned === undefined ? { stated } : { refusal: turned, stated };
}
