/** What `data check` found, in the form that it prints. */
import { planDataset, type GateFlag, type Verdict } from '@consilium/imaging';

/** The sides of the split, as they are shown. */
export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

export interface CheckedFile {
  readonly file: string;
  readonly status: 'usable' | 'quarantined';
  readonly reason?: string;
  readonly label?: string;
  /** Absent where neither table nor header names one. */
  readonly patient?: string;
}

/** `--format json` prints exactly this. */
export interface CheckResult {
  readonly usable: number;
  readonly quarantined: number;
  readonly files: readonly CheckedFile[];
  /** Usable images of each label. */
  readonly classes: Readonly<Record<string, number>>;
}

/** Label to number of images, for each side of the split. */
export type ClassesBySplit = Readonly<Record<Split, ReadonlyMap<string, number>>>;

export interface Findings {
  readonly verdicts: readonly Verdict[];
  readonly classesBySplit: ClassesBySplit;
  /** Usable images of the patients on each side. */
  readonly patients: Readonly<Record<Split, number>>;
  /** Files of each reason, the most frequent reason first. */
  readonly reasons: ReadonlyMap<string, readonly string[]>;
  /** Suspicions about usable files. */
  readonly flags: ReadonlyMap<GateFlag, readonly string[]>;
}

const tally = (labels: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const label of [...labels].sort()) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
};

function gather<Key>(pairs: readonly (readonly [Key, string])[]): ReadonlyMap<Key, readonly string[]> {
  const lists = new Map<Key, string[]>();
  for (const [key, file] of pairs) {
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [file]);
    else list.push(file);
  }
  return new Map([...lists].sort(([, a], [, b]) => b.length - a.length));
}

/** @param split - as in hospital.yaml: which patients test where no table says it. */
export function findingsOf(
  verdicts: readonly Verdict[],
  split: { readonly seed: string; readonly testShare: number },
): Findings {
  const usable = verdicts.flatMap(({ status, file }) => (status === 'usable' ? [file] : []));
  const rows = usable.map(({ row }) => row);
  const labels = [...new Set(rows.flatMap(({ label }) => label ?? []))];
  const plan = planDataset(rows, { labels, ...split });
  const countPatients = (part: Split): number => new Set(plan[part].map(({ patient }) => patient)).size;
  const countLabels = (part: Split): ReadonlyMap<string, number> => tally(plan[part].map(({ label }) => label));
  return {
    verdicts,
    classesBySplit: { train: countLabels('train'), validation: countLabels('validation'), test: countLabels('test') },
    patients: { train: countPatients('train'), validation: countPatients('validation'), test: countPatients('test') },
    reasons: gather(
      verdicts.flatMap((verdict) =>
        verdict.status === 'quarantined' ? [[verdict.reason, verdict.file.row.image] as const] : [],
      ),
    ),
    flags: gather(
      usable.flatMap(({ row, examination }) => (examination?.flags ?? []).map((flag) => [flag, row.image] as const)),
    ),
  };
}

export function resultOf(verdicts: readonly Verdict[]): CheckResult {
  const files = verdicts.map((verdict): CheckedFile => {
    const { image, label, patient } = verdict.file.row;
    return {
      file: image,
      status: verdict.status,
      ...(verdict.status === 'quarantined' ? { reason: verdict.reason } : {}),
      ...(label === undefined ? {} : { label }),
      ...(patient === image ? {} : { patient }),
    };
  });
  const usable = files.filter(({ status }) => status === 'usable');
  return {
    usable: usable.length,
    quarantined: files.length - usable.length,
    files,
    classes: Object.fromEntries(tally(usable.flatMap(({ label }) => label ?? []))),
  };
}
