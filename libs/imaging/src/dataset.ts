/** Which images train and which judge. A patient is never on both sides: the figures would praise memory. */
import { lengthPrefixed, sha256 } from '@consilium/bytes';
import type { ManifestRow, Split } from './manifest.js';

export interface DatasetOptions {
  /** Of the study. */
  readonly labels: readonly string[];
  /** Another seed, another split. */
  readonly seed: string;
  /** Expected share of patients without a given split that become test patients, [0, 1]. */
  readonly testShare: number;
}

export type PlanningCode =
  'UNKNOWN_LABEL' | 'PATIENT_IN_TRAIN_AND_TEST' | 'PATIENT_IN_TRAIN_AND_VALIDATION' | 'PATIENT_IN_VALIDATION_AND_TEST';

export interface Quarantined {
  readonly row: ManifestRow;
  readonly code: PlanningCode;
}

export interface DatasetPlan {
  readonly train: readonly ManifestRow[];
  readonly validation: readonly ManifestRow[];
  readonly test: readonly ManifestRow[];
  readonly quarantined: readonly Quarantined[];
}

/** Uniform on [0, 1) by seed and patient alone: files that come or go never move another patient. */
function fractionOf(seed: string, patient: string): number {
  const digest = sha256(lengthPrefixed('consilium/test-split/1', seed, patient));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) / 0x1_0000_0000;
}

/** The most protected split that a row of the patient was given: an image in the test set is what others may not spoil. */
function givenSplits(rows: readonly ManifestRow[]): ReadonlyMap<string, Split> {
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
export function planDataset(rows: readonly ManifestRow[], { labels, seed, testShare }: DatasetOptions): DatasetPlan {
  if (!(testShare >= 0 && testShare <= 1)) throw new RangeError('testShare must be in [0, 1]');
  const known = new Set(labels);
  const given = givenSplits(rows.filter(({ label }) => known.has(label)));
  const plan = { train: [] as ManifestRow[], validation: [] as ManifestRow[], test: [] as ManifestRow[] };
  const quarantined: Quarantined[] = [];
  for (const row of rows) {
    if (!known.has(row.label)) {
      quarantined.push({ row, code: 'UNKNOWN_LABEL' });
      continue;
    }
    const ofPatient = given.get(row.patient) ?? (fractionOf(seed, row.patient) < testShare ? 'test' : 'train');
    const split = row.split ?? ofPatient;
    if (split === ofPatient) plan[split].push(row);
    else quarantined.push({ row, code: conflict(split, ofPatient) });
  }
  return { ...plan, quarantined };
}
