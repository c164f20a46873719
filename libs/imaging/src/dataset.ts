/** Which images train and which judge. A patient is never on both sides: the figures would praise memory. */
import { lengthPrefixed, sha256 } from '@consilium/bytes';
import type { Split } from './manifest.js';

/** One image of a hospital's folder. */
export interface DatasetRow {
  /** Relative to the folder, with `/`; no two rows share one. */
  readonly image: string;
  /** Absent: nobody labelled it. */
  readonly label?: string;
  readonly site?: string;
  /** The image itself where neither table nor file names one. */
  readonly patient: string;
  /** Absent: to be assigned. */
  readonly split?: Split;
  /** In the table that names it, from 1. */
  readonly line?: number;
}

export type LabelledRow = DatasetRow & { readonly label: string };

export interface DatasetOptions {
  /** Of the study. */
  readonly labels: readonly string[];
  /** Another seed, another split. */
  readonly seed: string;
  /** Expected share of patients without a given split that become test patients, [0, 1]. */
  readonly testShare: number;
}

export type PlanningCode =
  | 'UNLABELLED'
  | 'UNKNOWN_LABEL'
  | 'PATIENT_IN_TRAIN_AND_TEST'
  | 'PATIENT_IN_TRAIN_AND_VALIDATION'
  | 'PATIENT_IN_VALIDATION_AND_TEST';

export interface Quarantined {
  readonly row: DatasetRow;
  readonly code: PlanningCode;
}

export interface DatasetPlan {
  readonly train: readonly LabelledRow[];
  readonly validation: readonly LabelledRow[];
  readonly test: readonly LabelledRow[];
  readonly quarantined: readonly Quarantined[];
}

/** Uniform on [0, 1) by seed and patient alone: files that come or go never move another patient. */
function fractionOf(seed: string, patient: string): number {
  const digest = sha256(lengthPrefixed('consilium/test-split/1', seed, patient));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) / 0x1_0000_0000;
}

/** The most protected split that a row of the patient was given: an image in the test set is what others may not spoil. */
function givenSplits(rows: readonly DatasetRow[]): ReadonlyMap<string, Split> {
  const protection: Record<Split, number> = { train: 0, validation: 1, test: 2 };
  const given = new Map<string, Split>();
  for (const { patient, split } of rows) {
    if (split === undefined) continue;
    const before = given.get(patient);
    if (before === undefined || protection[split] > protection[before]) given.set(patient, split);
  }
  return given;
}

function conflict(split: Split, ofPatient: Split): PlanningCode {
  if (split === 'validation') return 'PATIENT_IN_VALIDATION_AND_TEST';
  return ofPatient === 'test' ? 'PATIENT_IN_TRAIN_AND_TEST' : 'PATIENT_IN_TRAIN_AND_VALIDATION';
}

/**
 * A given split is respected; where a patient has two, the images outside the more protected one (test, then validation)
 * are quarantined. A row without split follows its patient's given one, else a hash of seed and patient.
 *
 * @returns every row exactly once, each list in the order of `rows`.
 * @throws RangeError unless `testShare` is in [0, 1].
 */
export function planDataset(rows: readonly DatasetRow[], { labels, seed, testShare }: DatasetOptions): DatasetPlan {
  if (!(testShare >= 0 && testShare <= 1)) throw new RangeError('testShare must be in [0, 1]');
  const known = new Set(labels);
  const isKnown = (row: DatasetRow): row is LabelledRow => row.label !== undefined && known.has(row.label);
  const given = givenSplits(rows.filter(isKnown));
  const plan = { train: [] as LabelledRow[], validation: [] as LabelledRow[], test: [] as LabelledRow[] };
  const quarantined: Quarantined[] = [];
  for (const row of rows) {
    if (!isKnown(row)) {
      quarantined.push({ row, code: row.label === undefined ? 'UNLABELLED' : 'UNKNOWN_LABEL' });
      continue;
    }
    const ofPatient = given.get(row.patient) ?? (fractionOf(seed, row.patient) < testShare ? 'test' : 'train');
    const split = row.split ?? ofPatient;
    if (split === ofPatient) plan[split].push(row);
    else quarantined.push({ row, code: conflict(split, ofPatient) });
  }
  return { ...plan, quarantined };
}
