/** From what is known about each file of a folder to what is used of it. Pure. */
import { planDataset, type DatasetRow, type PlanningCode } from '../dataset.js';
import type { Examination } from './examine.js';
import { openFingerprint } from './fingerprint.js';
import { firstAlike, type Picture } from './near-duplicates.js';

/** One file with what is known of it: why it could not be read, or what it shows. */
export interface JudgedFile {
  readonly row: DatasetRow;
  /** Of the error that reading or decoding it gave. */
  readonly code?: string;
  /** Of the file, in hex. */
  readonly sha256?: string;
  readonly examination?: Examination;
}

export interface JudgeOptions {
  /** Of the study; without them every label is known. */
  readonly labels?: readonly string[];
}

/** Codes that only the whole folder shows; besides them a verdict has the codes of {@link JudgedFile}. */
export type FolderCode = PlanningCode | 'DUPLICATE' | 'NEAR_DUPLICATE' | 'CONTRADICTORY_LABEL';

export type Verdict<File extends JudgedFile = JudgedFile> =
  | { readonly file: File; readonly status: 'usable' }
  | {
      readonly file: File;
      readonly status: 'quarantined';
      readonly reason: string;
      /** The file that this one repeats or contradicts. */
      readonly of?: string;
    };

interface Reason {
  readonly reason: string;
  readonly of?: string;
}

const byName = (a: JudgedFile, b: JudgedFile): number =>
  a.row.image < b.row.image ? -1 : a.row.image > b.row.image ? 1 : 0;

/**
 * The first reason of: could not be read, refused by the gate, no label, a label that the study does not have, the same
 * picture under another label (then every copy), the same file or picture as one whose name sorts before, a patient who
 * is on another side of a given split.
 *
 * @param files - no two with the same `row.image`.
 * @returns a verdict for each file, in the order of `files`; which verdict does not depend on that order.
 */
export function judge<File extends JudgedFile>(files: readonly File[], { labels }: JudgeOptions = {}): Verdict<File>[] {
  const reasons = new Map<JudgedFile, Reason>();
  const left = (): File[] => sorted.filter((file) => !reasons.has(file));
  const sorted = [...files].sort(byName);
  for (const file of sorted) {
    const reason = ownReason(file, labels);
    if (reason !== undefined) reasons.set(file, { reason });
  }
  for (const group of pictureGroups(left())) addRepetitions(group, reasons);
  for (const [file, reason] of splitConflicts(left())) reasons.set(file, { reason });
  return files.map((file) => {
    const reason = reasons.get(file);
    return reason === undefined ? { file, status: 'usable' } : { file, status: 'quarantined', ...reason };
  });
}

function ownReason({ row, code, examination }: JudgedFile, labels: readonly string[] | undefined): string | undefined {
  if (code !== undefined) return code;
  if (examination?.refusal !== undefined) return examination.refusal.code;
  if (row.label === undefined) return 'UNLABELLED';
  return labels === undefined || labels.includes(row.label) ? undefined : 'UNKNOWN_LABEL';
}

/** Files that show one picture, each group in the order of `files`; files that stand alone are groups of one. */
function pictureGroups(files: readonly JudgedFile[]): JudgedFile[][] {
  const firstOfDigest = new Map<string, JudgedFile>();
  const pictures: (Picture & { readonly file: JudgedFile })[] = [];
  const groups = new Map<JudgedFile, JudgedFile[]>();
  const copies: [JudgedFile, JudgedFile][] = [];
  for (const file of files) {
    const first = file.sha256 === undefined ? undefined : firstOfDigest.get(file.sha256);
    if (first !== undefined) {
      copies.push([file, first]);
      continue;
    }
    if (file.sha256 !== undefined) firstOfDigest.set(file.sha256, file);
    const print = openFingerprint(file.examination?.fingerprint ?? '');
    if (print === undefined) groups.set(file, [file]);
    else pictures.push({ print, patient: file.row.patient, file });
  }
  const firstOf = new Map<JudgedFile, JudgedFile>();
  for (const [k, at] of firstAlike(pictures).entries()) {
    const { file } = pictures[k] as { file: JudgedFile };
    const { file: first } = pictures[at] as { file: JudgedFile };
    firstOf.set(file, first);
    groups.set(first, [...(groups.get(first) ?? []), file]);
  }
  for (const [copy, original] of copies) groups.get(firstOf.get(original) ?? original)?.push(copy);
  return [...groups.values()];
}

function addRepetitions(group: readonly JudgedFile[], reasons: Map<JudgedFile, Reason>): void {
  const [first, ...others] = [...group].sort(byName);
  if (first === undefined) return;
  const contrary = others.find(({ row }) => row.label !== first.row.label);
  if (contrary !== undefined) {
    for (const file of [first, ...others]) {
      const of = file.row.label === first.row.label ? contrary : first;
      reasons.set(file, { reason: 'CONTRADICTORY_LABEL', of: of.row.image });
    }
    return;
  }
  const seen = new Set([first.sha256]);
  for (const file of others) {
    const again = file.sha256 !== undefined && seen.has(file.sha256);
    seen.add(file.sha256);
    reasons.set(file, { reason: again ? 'DUPLICATE' : 'NEAR_DUPLICATE', of: first.row.image });
  }
}

/** Neither seed nor share decides a conflict: only splits that a table gives do. */
function splitConflicts(files: readonly JudgedFile[]): ReadonlyMap<JudgedFile, PlanningCode> {
  const byRow = new Map(files.map((file) => [file.row, file]));
  const labels = [...new Set(files.flatMap(({ row }) => row.label ?? []))];
  const { quarantined } = planDataset([...byRow.keys()], { labels, seed: '', testShare: 0 });
  return new Map(quarantined.map(({ row, code }) => [byRow.get(row) as JudgedFile, code]));
}
